import { randomBytes, timingSafeEqual } from 'node:crypto'
import { foreignAuthzid, malformed, SaslError, textOf } from './error.ts'
import type { Exchange, SaslAuthority, SaslChannel } from './mechanism.ts'
import { hmac, type ScramSecret, sha256 } from './scram_secret.ts'

interface Options {
  /** The client binds the exchange to the TLS connection: SCRAM-SHA-256-PLUS. */
  readonly plus?: boolean
  /** The server's part of the nonce. */
  readonly nonce?: string
}

/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677): client and server prove to each other that they know the
 * password, or what is kept of it, without sending it. The server's proof is a last challenge, to which the client says
 * nothing, since neither SMTP nor IMAP has data with success (RFC 5802 §5).
 */
export async function* scram(
  initial: Uint8Array | null,
  authority: Pick<SaslAuthority, 'scram'>,
  channel: SaslChannel | null,
  { plus = false, nonce: ours = randomBytes(18).toString('base64') }: Options = {},
): Exchange {
  const first = readFirst(textOf(initial ?? (yield new Uint8Array())))
  const binding = bindingOf(first.flag, channel, plus)
  if (first.authzid !== '' && first.authzid !== first.username) throw foreignAuthzid()
  const { secret, settle } = await authority.scram(first.username)

  const nonce = first.nonce + ours
  const challenge = `r=${nonce},s=${Buffer.from(secret.salt).toString('base64')},i=${secret.iterations}`
  const final = readFinal(textOf(yield Buffer.from(challenge)))
  if (final.nonce !== nonce) throw new SaslError('refused', 'sasl: the nonce is that of another exchange')
  const bound = Buffer.concat([Buffer.from(first.header), binding])
  if (!final.binding.equals(bound)) throw new SaslError('refused', 'sasl: the channel bindings do not match')

  const signed = `${first.bare},${challenge},${final.bare}`
  if (!(await settle(isProof(final.proof, secret, signed)))) return null
  const answer = yield Buffer.from(`v=${hmac(secret.serverKey, signed).toString('base64')}`)
  if (answer.length > 0) throw malformed()
  return first.username
}

/** Whether a connection has what SCRAM-SHA-256-PLUS is usually bound to. */
export const bindable = (channel: SaslChannel | null): boolean => channel?.binding('tls-exporter') !== undefined

/** What is common to both ends; throws where one of them is being deceived about what the other can do (RFC 5802 §6). */
const bindingOf = (flag: string, channel: SaslChannel | null, plus: boolean): Uint8Array => {
  if (plus !== flag.startsWith('p='))
    throw new SaslError('refused', 'sasl: the channel binding is not that of the mechanism')
  if (flag === 'y' && bindable(channel)) {
    throw new SaslError('refused', 'sasl: somebody has hidden from the client that channel binding is offered')
  }
  if (!plus) return new Uint8Array()
  const binding = channel?.binding(flag.slice('p='.length))
  if (!binding) throw new SaslError('refused', 'sasl: unsupported type of channel binding')
  return binding
}

/** RFC 5802 §3: the proof is the client's key, which hashes to the stored one, hidden by a signature of all that was said. */
const isProof = (proof: Uint8Array, { storedKey }: ScramSecret, signed: string): boolean => {
  const key = hmac(storedKey, signed)
  for (const [at, octet] of proof.entries()) key[at] = (key[at] ?? 0) ^ octet
  return timingSafeEqual(sha256(key), storedKey)
}

/** `client-first-message` (RFC 5802 §7). A mandatory extension, `m=`, comes before the name, and so is refused. */
const readFirst = (message: string) => {
  const [, header, flag, authzid = '', bare, name, nonce] =
    /^((n|y|p=[A-Za-z0-9.-]+),(?:a=([^,]+))?,)(n=([^,]+),r=([!-+\--~]+)(?:,[A-Za-z]=[^,]+)*)$/.exec(message) ?? []
  if (header === undefined || flag === undefined || bare === undefined || name === undefined || nonce === undefined) {
    throw malformed()
  }
  return { header, flag, authzid: nameOf(authzid), bare, username: nameOf(name), nonce }
}

/** `client-final-message`. */
const readFinal = (message: string) => {
  const [, bare, binding, nonce, proof] =
    /^(c=([A-Za-z0-9+/]+={0,2}),r=([!-+\--~]+)(?:,[A-Za-z]=[^,]+)*),p=([A-Za-z0-9+/]{43}=)$/.exec(message) ?? []
  if (bare === undefined || binding === undefined || nonce === undefined || proof === undefined) throw malformed()
  return { bare, binding: Buffer.from(binding, 'base64'), nonce, proof: Buffer.from(proof, 'base64') }
}

/** A `saslname`, in which a comma is `=2C` and an equals sign `=3D`. */
const nameOf = (written: string): string => {
  if (/=(?!2C|3D)/.test(written)) throw malformed()
  return written.replaceAll('=2C', ',').replaceAll('=3D', '=')
}
