import type { AccountQuota } from '../../../core/index.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import { mailboxName } from '../../../core/kit/imap/format.ts'
import { type Command, loggedIn } from '../command.ts'

/** The one root of an account, which all of its mailboxes are under. */
const root = ''

/** GETQUOTA (RFC 9208 §4.1.1). SETQUOTA is for administrators, who have other ways. */
export const getQuota: Command = {
  name: 'GETQUOTA',
  states: loggedIn,
  async run({ account, out }, args) {
    const name = args.astring('a quota root')
    args.end()
    if (name !== root) throw new ImapError('NO', 'NONEXISTENT', 'No such quota root')
    out.line(quotaResponse(await account.quota()))
    return undefined
  },
}

/** GETQUOTAROOT (RFC 9208 §4.1.2). */
export const getQuotaRoot: Command = {
  name: 'GETQUOTAROOT',
  states: loggedIn,
  async run({ account, out }, args) {
    const mailbox = args.mailbox()
    args.end()
    await account.status(mailbox) // throws when there is none
    const quota = await account.quota()
    out.line(`* QUOTAROOT ${mailboxName(mailbox)} "${root}"`)
    out.line(quotaResponse(quota))
    return undefined
  },
}

/** A root without a limit has no resources. */
const quotaResponse = ({ used, limit }: AccountQuota): string =>
  `* QUOTA "${root}" (${limit > 0 ? `STORAGE ${units(used)} ${units(limit)}` : ''})`

/** Units of 1024 octets, begun ones included: in both numbers, so that only who is over the limit may be seen above it. */
const units = (bytes: number | bigint): bigint => (BigInt(bytes) + 1023n) / 1024n
