import { ImapError } from '../../../core/kit/imap/error.ts'
import { always, type Command } from '../command.ts'
import { secure } from '../secure.ts'

/** STARTTLS (RFC 9051 §6.2.1). Whatever came before the handshake is dropped, commands sent ahead too. */
export const starttls: Command = {
  name: 'STARTTLS',
  states: always,
  async run(session, args) {
    args.end()
    const { tls } = session.settings
    if (session.secure) throw new ImapError('NO', undefined, 'TLS is already active')
    if (session.state !== 'notAuthenticated') throw new ImapError('NO', undefined, 'Already authenticated')
    if (!tls || !session.startTlsPossible) throw new ImapError('NO', undefined, 'TLS is not available')
    return { text: 'Begin TLS negotiation now', afterwards: () => secure(session, tls) }
  },
}
