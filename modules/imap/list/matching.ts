import { setImmediate as turn } from 'node:timers/promises'
import { matcher } from '../../../core/kit/imap/pattern.ts'
import { type Place, separator } from './hierarchy.ts'

/** How long names are compared before others have their turn; milliseconds. */
const slice = 10

/** The names that match one of the patterns; INBOX does in any case. */
export async function matching(places: readonly Place[], patterns: readonly string[]): Promise<ReadonlySet<string>> {
  const matchers = patterns.map((pattern) => matcher(pattern, separator))
  const ofInbox = patterns.map((pattern) => matcher(pattern.toUpperCase(), separator))
  const found = new Set<string>()
  let since = performance.now()
  for (const { name } of places) {
    if ((name === 'INBOX' ? ofInbox : matchers).some((matches) => matches(name))) found.add(name)
    if (performance.now() - since < slice) continue
    await turn()
    since = performance.now()
  }
  return found
}
