import { StorageError } from '../../../core/index.ts'
import { mailboxName } from '../../../core/kit/imap/format.ts'
import type { Session } from '../session.ts'
import { answerStatus } from '../status_items.ts'
import { hierarchy, type Place, parentsOf } from './hierarchy.ts'
import { matching } from './matching.ts'
import type { ListRequest } from './request.ts'

/** Answers LIST. */
export async function answerList({ account, out }: Session, request: ListRequest): Promise<void> {
  const places = hierarchy(await account.mailboxes())
  for (const { place, childInfo } of choose(places, request, await matching(places, request.patterns))) {
    const more = childInfo ? ` ("CHILDINFO" (${criteria(request)}))` : ''
    out.line(`* LIST (${attributes(place, request.showSubscribed)}) "." ${mailboxName(place.name)}${more}`)
    if (request.status.length > 0 && place.entry) await tellStatus(place.name)
    if (out.full) await out.drain()
  }

  async function tellStatus(name: string): Promise<void> {
    try {
      out.line(await answerStatus(account, name, request.status))
    } catch (error) {
      if (!(error instanceof StorageError)) throw error // deleted meanwhile: there is none to tell of
    }
  }
}

/** The names to list, of those that match, and whether there are selected mailboxes below them (RFC 5258 §3.5). */
function choose(
  places: readonly Place[],
  request: ListRequest,
  matches: ReadonlySet<string>,
): { place: Place; childInfo: boolean }[] {
  const { recursive } = request
  const selects = ({ entry }: Place): boolean =>
    (!request.subscribed || entry?.subscribed === true) && (!request.specialUse || entry?.specialUse !== undefined)
  const above = new Set<string>() // of anything selected
  const aboveUnlisted = new Set<string>() // of what is selected and not listed itself
  if (recursive) {
    for (const place of places.filter(selects)) {
      const listed = matches.has(place.name)
      for (const parent of parentsOf(place.name)) {
        above.add(parent)
        if (!listed) aboveUnlisted.add(parent)
      }
    }
  }
  return places
    .filter((place) => (selects(place) || aboveUnlisted.has(place.name)) && matches.has(place.name))
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
