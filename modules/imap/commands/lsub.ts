import { mailboxName } from '../../../core/kit/imap/format.ts'
import { type Command, loggedIn } from '../command.ts'
import { hierarchy, parentsOf } from '../list/hierarchy.ts'
import { matching } from '../list/matching.ts'
import { join } from '../list/request.ts'
import { attributes } from '../list/run.ts'

/**
 * LSUB (RFC 3501 §6.3.9). Where a pattern ends in `%`, a name that is not subscribed to, but has a subscribed one below it
 * that does not match, is shown with \Noselect.
 */
export const lsub: Command = {
  name: 'LSUB',
  states: loggedIn,
  async run({ account, out }, args) {
    const reference = args.mailbox()
    args.space()
    const pattern = join(reference, args.pattern())
    args.end()
    const places = hierarchy(await account.mailboxes())
    const matches = await matching(places, [pattern])
    const hidden = places.filter(({ name, entry }) => entry?.subscribed && !matches.has(name))
    const above = pattern.endsWith('%') ? new Set(hidden.flatMap(({ name }) => parentsOf(name))) : new Set()
    for (const place of places) {
      if (!matches.has(place.name)) continue
      const shown = place.entry?.subscribed
        ? attributes(place, false)
        : above.has(place.name)
          ? '\\Noselect'
          : undefined
      if (shown !== undefined) out.line(`* LSUB (${shown}) "." ${mailboxName(place.name)}`)
    }
    return undefined
  },
}
