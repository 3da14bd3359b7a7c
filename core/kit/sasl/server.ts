import { malformed } from './error.ts'
import { external } from './external.ts'
import { login } from './login.ts'
import type { Exchange, Mechanism, SaslAuthority, SaslChannel, SaslServer } from './mechanism.ts'
import { plain } from './plain.ts'
import { bindable, scram } from './scram.ts'

/** By name, in the spelling of the registry. */
const mechanisms = {
  PLAIN: plain,
  LOGIN: login,
  'SCRAM-SHA-256': scram,
  'SCRAM-SHA-256-PLUS': (initial, authority, channel) => scram(initial, authority, channel, { plus: true }),
  EXTERNAL: external,
} as const satisfies Record<string, Mechanism>

export type SaslMechanism = keyof typeof mechanisms

/** Whether a name is that of a mechanism; the case of letters counts. */
export const isSaslMechanism = (name: string): name is SaslMechanism => Object.hasOwn(mechanisms, name)

/** Those of a list that a connection can be used with: channel binding needs TLS, EXTERNAL a client certificate. */
export const usableMechanisms = (
  all: readonly SaslMechanism[],
  channel: SaslChannel | null,
): readonly SaslMechanism[] =>
  all.filter((mechanism) => {
    if (mechanism === 'SCRAM-SHA-256-PLUS') return bindable(channel)
    return mechanism !== 'EXTERNAL' || channel?.certificate !== undefined
  })

/** Begins an exchange; `channel` is the TLS connection that carries it, null when there is none. */
export const saslServer = (
  mechanism: SaslMechanism,
  authority: SaslAuthority,
  channel: SaslChannel | null,
): SaslServer => {
  let exchange: Exchange | undefined
  let over = false
  return {
    async step(response) {
      if (over || (exchange && response === null)) throw malformed()
      try {
        const begun = exchange
        exchange ??= mechanisms[mechanism](response, authority, channel)
        const { value, done } = begun ? await begun.next(response as Uint8Array) : await exchange.next()
        over = done === true
        return done ? { username: value } : { challenge: value }
      } catch (error) {
        over = true
        throw error
      }
    },
  }
}
