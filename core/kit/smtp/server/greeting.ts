import { usableMechanisms } from '../../sasl/index.ts'
import { SmtpError } from '../error.ts'
import type { Connection } from './connection.ts'
import { afterwards } from './reply.ts'
import { reset } from './transaction.ts'

/** HELO, EHLO and LHLO (RFC 5321 §4.1.1.1, RFC 2033 §4.1); each is RSET as well. */
export const greet =
  (verb: 'HELO' | 'EHLO' | 'LHLO') =>
  (connection: Connection, argument: string): void | Promise<void> => {
    const { protocol } = connection.options
    if (verb === 'LHLO' && protocol === 'smtp') throw wrongProtocol('This is not a LMTP server')
    if (verb !== 'LHLO' && protocol === 'lmtp') throw wrongProtocol('This is a LMTP server, use LHLO')
    const [name = ''] = argument.split(' ')
    if (name === '') throw SmtpError.permanent(501, '5.5.2', 'Domain/address argument required for HELO')
    connection.greeted = false
    return afterwards(reset(connection), () =>
      afterwards(connection.receiver.greet(name, connection.tls), () => {
        connection.greeted = true
        if (verb === 'HELO') connection.reply(250, '2.0.0', `Hello ${name}`)
        else connection.send(250, [`Hello ${name}`, ...keywords(connection)])
      }),
    )
  }

const wrongProtocol = (text: string) => SmtpError.permanent(500, '5.5.1', text)

/** What is offered, in the order that maddy has. */
const keywords = ({ options, secure, channel }: Connection): string[] => {
  const { tls, insecureAuth, maxMessageSize, maxRecipients } = options
  const mechanisms = usableMechanisms(options.mechanisms ?? [], channel)
  return [
    'PIPELINING',
    '8BITMIME',
    'ENHANCEDSTATUSCODES',
    'CHUNKING',
    ...(tls && !secure ? ['STARTTLS'] : []),
    ...(mechanisms.length > 0 && (secure || insecureAuth) ? [`AUTH ${mechanisms.join(' ')}`] : []),
    'SMTPUTF8',
    ...(secure ? ['REQUIRETLS'] : []),
    maxMessageSize > 0 ? `SIZE ${maxMessageSize}` : 'SIZE',
    ...(maxRecipients > 0 ? [`LIMITS RCPTMAX=${maxRecipients}`] : []),
  ]
}
