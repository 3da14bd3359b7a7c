import { StorageError, type StoredMessage } from '../../../core/index.ts'
import { toRanges } from '../../../core/kit/imap/sequence_set.ts'
import type { View } from '../view.ts'
import { and, matchAll } from './combine.ts'
import type { Candidate, SearchKey } from './key.ts'
import { costOf } from './key.ts'

/** The UIDs, ascending, of the messages that match, of those the client knows. */
export async function search(view: View, key: SearchKey): Promise<readonly number[]> {
  const { decided, rest } = and([key])
  const everything = Object.keys(decided).length === 0
  const candidates = everything
    ? view.uids.filter((uid) => !view.isExpunged(uid))
    : (await view.mailbox.find(decided)).filter((uid) => view.sequenceOf(uid) > 0)
  return rest.length === 0 || candidates.length === 0 ? candidates : sift(view, candidates, rest)
}

async function sift(view: View, candidates: readonly number[], keys: readonly SearchKey[]): Promise<readonly number[]> {
  const cost = costOf(keys)
  const needs = { header: cost !== 'row' && keys.some((key) => costOf([key]) !== 'row'), structure: cost === 'content' }
  const found: number[] = []
  for await (const message of view.mailbox.messages(toRanges(candidates), needs)) {
    if (view.sequenceOf(message.uid) === 0) continue
    const outcome = matchAll(keys, 0, candidate(view, message))
    if (outcome === true || (outcome !== false && (await outcome))) found.push(message.uid)
  }
  return found
}

/** A message with its content at hand, which is read once at most. */
function candidate(view: View, message: StoredMessage): Candidate {
  let content: ReturnType<Candidate['content']> | undefined
  return {
    ...message,
    recent: view.isRecent(message.uid),
    content() {
      content ??= view.mailbox.content(message.uid).catch((error) => {
        if (error instanceof StorageError) return undefined // gone, or broken: it matches nothing that is in it
        throw error
      })
      return content
    },
  }
}
