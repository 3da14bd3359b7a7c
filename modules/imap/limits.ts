import { ImapError } from '../../core/kit/imap/error.ts'
import { systemFlags } from '../../core/kit/imap/flags.ts'

const longestKeyword = 100
const mostFlags = 64

/** Refuses flags no mailbox can keep: system flags that do not exist, over-long keywords, too many at once. */
export function checkFlags(flags: readonly string[]): void {
  if (flags.length > mostFlags) throw new ImapError('NO', 'LIMIT', 'Too many flags')
  for (const flag of flags) {
    if (flag.length > longestKeyword) throw new ImapError('NO', 'LIMIT', 'Keyword too long')
    const unknown = flag.startsWith('\\') && flag !== '\\Recent' && !systemFlags.includes(flag)
    if (unknown || flag.includes('{')) throw new ImapError('NO', 'CANNOT', 'There can be no such flag')
  }
}
