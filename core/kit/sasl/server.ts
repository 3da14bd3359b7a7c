import { malformed } from './error.ts'
import { login } from './login.ts'
import type { Exchange, SaslServer } from './mechanism.ts'
import { plain } from './plain.ts'

/** By name, in the spelling of the registry. */
const mechanisms = { PLAIN: plain, LOGIN: login } as const satisfies Record<
  string,
  (initial: Uint8Array | null) => Exchange
>

export type SaslMechanism = keyof typeof mechanisms

/** Whether a name is that of a mechanism; the case of letters counts. */
export const isSaslMechanism = (name: string): name is SaslMechanism => Object.hasOwn(mechanisms, name)

/** Begins an exchange. */
export const saslServer = (mechanism: SaslMechanism): SaslServer => {
  let exchange: Exchange | undefined
  let over = false
  return {
    step(response) {
      if (over || (exchange && response === null)) throw malformed()
      try {
        const begun = exchange
        exchange ??= mechanisms[mechanism](response)
        const { value, done } = begun ? begun.next(response as Uint8Array) : exchange.next()
        over = done === true
        return done ? value : { challenge: value }
      } catch (error) {
        over = true
        throw error
      }
    },
  }
}
