import type { Address, Header, Message, Verdict } from '../../core/index.ts'
import {
  Check,
  checkDirectives,
  defineModule,
  failAction,
  flag,
  judge,
  normalizer,
  SmtpError,
  Table,
  use,
} from '../../core/index.ts'
import { formatAddress } from '../../core/kit/address/index.ts'
import { authorsOf } from './_authors.ts'
import type { Finding } from './_sender_rights.ts'
import { mismatch, SenderRights } from './_sender_rights.ts'

export default defineModule({
  name: 'check.authorize_sender',
  doc: 'Lets users send from their own addresses only. For mail that users submit.',
  provides: [Check],
  config: {
    ...checkDirectives,
    check_header: flag().default('yes').doc('Looks at From and Sender of the message as well as at MAIL FROM.'),
    prepare_email: use(Table)
      .default('identity')
      .doc('Maps a sender address to those that are looked for among what the user may use; without an entry, itself.'),
    user_to_email: use(Table)
      .default('identity')
      .doc('Maps a user name to what that user may use: addresses, whole domains, or * for everything.'),
    unauth_action: failAction().default('reject').doc('What becomes of mail from somebody who has not logged in.'),
    no_match_action: failAction().default('reject').doc('What becomes of mail from an address that is not the user’s.'),
    err_action: failAction()
      .default('reject')
      .doc('What becomes of mail whose sender, user or header cannot be read, or could not be looked up.'),
    malformed_action: failAction().doc('The same as err_action for headers alone, and preferred to it there.'),
    auth_normalize: normalizer().default('auto').doc('What is done to the user name before it is mapped.'),
    from_normalize: normalizer().default('auto').doc('What is done to a sender address before it is mapped.'),
    debug: flag().inherit().default('no').doc('Verbose log.'),
  },
  create(config) {
    const { unauth_action, no_match_action, err_action, malformed_action = err_action } = config
    const rights = new SenderRights(config)
    const actions = { unauthenticated: unauth_action, mismatch: no_match_action, error: err_action }
    const judged = (finding: Finding | undefined): Verdict | undefined =>
      finding && judge(actions[finding.kind], finding.reason)

    const judgeHeader = async (user: string, header: Header): Promise<Verdict | undefined> => {
      const authors = authorsOf(header)
      if (authors instanceof SmtpError) return judge(malformed_action, authors)
      const { from, sender = from } = authors
      const finding = await rights.findingOn(user, from)
      if (!finding) return undefined
      const other = sender === from ? finding : await rights.findingOn(user, sender)
      if (!other) return undefined
      // That a table cannot answer says nothing against the user, who is to try again.
      const failure = [finding, other].find(({ reason }) => reason.temporary)
      return failure ? judged(failure) : judge(no_match_action, mismatch(user, from))
    }

    return {
      name: 'authorize_sender',
      timeout: config.timeout,
      begin({ origin: { protocol, user } }) {
        if (protocol === null) return {} // made on this machine
        return {
          sender: async (from: Address | null) =>
            judged(await rights.findingOn(user ?? '', from ? formatAddress(from) : '')),
          ...(config.check_header && {
            message: ({ header }: Message) => judgeHeader(user ?? '', header),
          }),
        }
      },
    }
  },
})
