import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import type { View } from '../view.ts'
import { decoder } from './charset.ts'
import type { SearchKey } from './key.ts'
import { readKeys } from './keys.ts'

/** What a SEARCH is to tell, if it is to answer in ESEARCH (RFC 4731). */
export type ReturnOption = 'MIN' | 'MAX' | 'ALL' | 'COUNT'

const options: readonly string[] = ['MIN', 'MAX', 'ALL', 'COUNT'] satisfies ReturnOption[]
const isOption = (word: string): word is ReturnOption => options.includes(word)

/** Reads `RETURN (…)`, if it is there; nothing in the parentheses means ALL. */
export function readReturn(args: Arguments): ReadonlySet<ReturnOption> | undefined {
  if (!/^return /i.test(args.ahead(7))) return undefined
  args.keyword()
  args.space()
  const asked = args.list(() => {
    const word = args.keyword('a return option')
    if (!isOption(word)) throw ImapError.bad('Unknown return option')
    return word
  })
  args.space()
  return new Set(asked.length === 0 ? ['ALL'] : asked)
}

/** Reads `CHARSET name`, if it is there, and the keys. */
export function readSearch(args: Arguments, view: View): SearchKey {
  let charset = 'UTF-8'
  if (/^charset /i.test(args.ahead(8))) {
    args.keyword()
    args.space()
    charset = args.astring('a charset')
    args.space()
  }
  return readCriteria(args, view, charset)
}

/** Reads the keys, whose strings are in this charset, to the end of the command. */
export function readCriteria(args: Arguments, view: View, charset: string): SearchKey {
  const key = readKeys({ args, decode: decoder(charset), view })
  args.end()
  return key
}
