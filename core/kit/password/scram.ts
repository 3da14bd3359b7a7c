import { timingSafeEqual } from 'node:crypto'
import { type ScramSecret, scramIterations, scramSecret } from '../sasl/index.ts'

/** A stored value could ask for hours. */
const iterationLimit = 10_000_000
/** RFC 7677 §4. */
const leastIterations = 4096

const form =
  /^scram-sha-256:(\d{1,8}):((?:[A-Za-z0-9+/]{4})+|(?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=)):([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)$/

/** What `scram-sha-256:ITERATIONS:SALT:STOREDKEY:SERVERKEY` says, the last three in base64; undefined for anything else. */
export const parseScram = (stored: string): ScramSecret | undefined => {
  const [, iterations = '', salt = '', storedKey = '', serverKey] = form.exec(stored) ?? []
  if (serverKey === undefined || Number(iterations) < leastIterations || Number(iterations) > iterationLimit) {
    return undefined
  }
  const octets = (text: string) => Buffer.from(text, 'base64')
  return {
    iterations: Number(iterations),
    salt: octets(salt),
    storedKey: octets(storedKey),
    serverKey: octets(serverKey),
  }
}

/** A value to store. Throws RangeError for a number of iterations that no client, or no server, would go along with. */
export const newScram = (password: string, salt: Uint8Array, iterations: number = scramIterations): string => {
  if (!Number.isInteger(iterations) || iterations < leastIterations || iterations > iterationLimit) {
    throw new RangeError(`SCRAM takes from ${leastIterations} to ${iterationLimit} iterations`)
  }
  const { storedKey, serverKey } = scramSecret(password, { iterations, salt })
  const text = (octets: Uint8Array) => Buffer.from(octets).toString('base64')
  return ['scram-sha-256', iterations, text(salt), text(storedKey), text(serverKey)].join(':')
}

export const verifyScram = (secret: ScramSecret, password: string): boolean =>
  timingSafeEqual(scramSecret(password, secret).storedKey, secret.storedKey)
