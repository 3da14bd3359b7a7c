import { StorageError } from '../../../core/index.ts'
import { mailboxName } from '../../../core/kit/imap/format.ts'
import type { Session } from '../session.ts'
import { formatStatus } from '../status_items.ts'
import { hierarchy, type Place, parentsOf } from './hierarchy.ts'
import { type ListRequest, matchesAny } from './request.ts'

/** Answers LIST. */
export async function answerList({ account, out }: Session, request: ListRequest): Promise<void> {
  for (const { place, childInfo } of choose(hierarchy(await account.mailboxes()), request)) {
    const more = childInfo ? ` ("CHILDINFO" (${criteria(request)}))` : ''
    out.line(`* LIST (${attributes(place, request.showSubscribed)}) "." ${mailboxName(place.name)}${more}`)
    if (request.status.length > 0 && place.entry) await answerStatus(place.name)
    if (out.full) await out.drain()
  }

  async function answerStatus(name: string): Promise<void> {
    try {
      out.line(formatStatus(name, request.status, await account.status(name)))
    } catch (error) {
      if (!(error instanceof StorageError)) throw error // deleted meanwhile: there is none to tell of
    }
  }
}

/** The names to list, and whether there are selected mailboxes below them (RFC 5258 §3.5). */
function choose(places: readonly Place[], request: ListRequest): { place: Place; childInfo: boolean }[] {
  const { patterns, recursive } = request
  const selects = ({ entry }: Place): boolean =>
    (!request.subscribed || entry?.subscribed === true) && (!request.specialUse || entry?.specialUse !== undefined)
  const above = new Set<string>() // of anything selected
  const aboveUnlisted = new Set<string>() // of what is selected and not listed itself
  if (recursive) {
    for (const place of places.filter(selects)) {
      const listed = matchesAny(patterns, place.name)
      for (const parent of parentsOf(place.name)) {
        above.add(parent)
        if (!listed) aboveUnlisted.add(parent)
      }
    }
  }
  return places
    .filter((place) => (selects(place) || aboveUnlisted.has(place.name)) && matchesAny(patterns, place.name))
    .map((place) => ({ place, childInfo: above.has(place.name) }))
}

const criteria = ({ subscribed, specialUse }: ListRequest): string =>
  [subscribed && '"SUBSCRIBED"', specialUse && '"SPECIAL-USE"'].filter(Boolean).join(' ')

/** The attributes of a name. A parent without a mailbox is \Noselect too, for clients that know no better. */
export function attributes({ entry, hasChildren }: Place, showSubscribed: boolean): string {
  return [
    entry ? entry.specialUse : '\\NonExistent \\Noselect',
    showSubscribed && entry?.subscribed && '\\Subscribed',
    hasChildren ? '\\HasChildren' : '\\HasNoChildren',
  ]
    .filter(Boolean)
    .join(' ')
}
