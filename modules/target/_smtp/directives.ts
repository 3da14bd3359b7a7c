import { Directive, duration, endpoints, flag, text, tlsClient, type Values } from '../../../core/index.ts'
import { login } from './auth.ts'

/** Servers to hand mail to. */
const servers = () =>
  endpoints().map((addresses) => {
    const nowhere = addresses.find(({ scheme, port }) => scheme !== 'unix' && port === 0)
    if (nowhere) throw new RangeError(`no server listens on port 0, as in ${nowhere.text}`)
    return addresses
  })

/** The words after the name of the module, where it is used in place. */
export const moreTargets = servers().doc('Further servers, after those of targets.')

/** Directives of target.smtp and target.lmtp, which differ in whether TLS is a matter of course. */
export const relayDirectives = (starttls: 'yes' | 'no') => ({
  targets: servers().doc(
    'Servers to hand mail to: tcp://HOST:PORT, tls://HOST:PORT (TLS from the start) or unix://PATH. One that cannot be reached or used gives way to the next.',
  ),
  starttls: flag()
    .default(starttls)
    .doc('Whether TLS is required of tcp:// and unix:// servers, by STARTTLS. There is no going on without it.'),
  attempt_starttls: old('[yes|no]', 'is the old name of starttls, which it overrides', flag()).doc(
    'The old name of starttls, which it overrides.',
  ),
  require_tls: old('…', 'has no effect: TLS is required as soon as starttls is on').doc(
    'Has no effect; accepted for the sake of older files.',
  ),
  auth: login()
    .default('off')
    .doc(
      'Logs in: with a name and a password, with those of the user who sends the message (`forward`, which works with PLAIN and LOGIN, and not behind a queue that has had to wait), or by the certificate of tls_client (`external`).',
    ),
  hostname: text('NAME').inherit().required().doc('The name of this server in EHLO or LHLO.'),
  tls_client: tlsClient().inherit().default('').doc('How TLS is spoken, and whose certificates are trusted.'),
  connect_timeout: duration().default('5m').doc('How long connecting to a server may take, over all its addresses.'),
  command_timeout: duration()
    .default('5m')
    .doc('How long the greeting, TLS and each command may take, and each piece of a message.'),
  submission_timeout: duration()
    .default('5m')
    .doc('How long the server may take to say what became of a message; 0 is 12m.'),
  debug: flag().inherit().default('no').doc('Verbose log.'),
})

export type RelayConfig = Values<ReturnType<typeof relayDirectives>>

/** A directive of former days, which may be repeated; the administrator is told of it. */
const old = <T>(usage: string, reason: string, directive?: Directive<T>) =>
  new Directive<T | undefined>({ args: directive?.shape.args ?? 'custom: ignored', usage }, async (node, scope) => {
    scope.warn(node.name.at, `${node.name.text} ${reason}`)
    return await directive?.readOne(node, scope)
  }).many()
