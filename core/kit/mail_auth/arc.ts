import type { Resolver } from '../dns/resolver.ts'
import { lazy } from '../lazy.ts'
import type { Body, Field, Header, Message } from '../message/message.ts'
import { type ArcSet, isTrusted, isVouchedFor, sealerOf } from './arc_trust.ts'
import { DkimKeys, KeyError } from './dkim_key.ts'
import { type DkimEngine, isReadable, keysFor, loadDkim, rowOf, SignedMessage } from './dkim_message.ts'
import type { AuthenticationResult } from './result.ts'

/** It takes long to load, and not every server needs it. */
const mailauth = lazy(() => import('mailauth/lib/arc/index.js'))

export interface ArcOptions {
  /** Domains whose seals and words are believed. */
  readonly trustedSealers?: readonly string[]
  /** The address of the client, for `smtp.remote-ip`. */
  readonly peer?: string | undefined
  readonly signal: AbortSignal
  /** Loaded anew where it is missing. */
  readonly engine?: DkimEngine | undefined
}

export interface ArcOutcome {
  /**
   * `none`, or `pass` or `fail` with `smtp.remote-ip` (RFC 8617 §10.2). Of a chain that passes also `header.oldest-pass`, the
   * instance from which on all signatures of the message still hold, 0 for all; `header.d`, the domain of the last sealer; and
   * `policy.trusted`, which is `yes` where trusted sealers vouch for the author.
   */
  readonly result: AuthenticationResult
  /** The chain fails because DNS could not be asked, and it might have been one to trust: another try may end better. */
  readonly temporary: boolean
}

/**
 * Validates the ARC chain of a message (RFC 8617 §5.2), read strictly: all seals, the newest message signature, and the older
 * ones until one no longer holds. The body is only read when the seals hold. Rejects with the reason of the signal once that
 * aborts, and with what reading the body throws.
 */
export const verifyArc = async (
  message: Message,
  dns: Resolver,
  { trustedSealers = [], peer, signal, engine }: ArcOptions,
): Promise<ArcOutcome> => {
  const fields = message.header.fields.filter(({ name }) => fieldNames.includes(name.toLowerCase()))
  if (fields.length === 0) return { result: { method: 'arc', value: 'none' }, temporary: false }
  const client = { ...(peer !== undefined && { 'smtp.remote-ip': peer }) }
  let newest: ArcSet | undefined
  try {
    const chain = await chainOf(fields, message.header)
    newest = chain.at(-1)
    const loaded = engine ?? (await loadDkim())
    const keys = new DkimKeys(dns, loaded.readKey, signal)
    await verifySeals(chain, keys)
    const signed = new SignedMessage(loaded, message.header, keys, { strict: true })
    const oldest = await oldestPass(chain, signed, { body: message.body, keys, signal })
    const properties = {
      ...client,
      'header.d': newest ? sealerOf(newest) : '',
      'header.oldest-pass': String(oldest),
      ...(isVouchedFor(chain, trustedSealers, message.header) && { 'policy.trusted': 'yes' }),
    }
    return { result: { method: 'arc', value: 'pass', properties }, temporary: false }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof ChainError) && !(error instanceof KeyError)) throw error
    const temporary =
      error instanceof KeyError && error.temporary && newest !== undefined && isTrusted(newest, trustedSealers)
    return { result: { method: 'arc', value: 'fail', reason: error.message, properties: client }, temporary }
  }
}

/** A chain that does not hold. The message is fit for Authentication-Results. */
class ChainError extends Error {
  override readonly name = 'ChainError'
}

const fieldNames = ['arc-seal', 'arc-message-signature', 'arc-authentication-results']
/** Of header, for all instances together, each of which may cover the whole; bytes. */
const mostWork = 8 * 1024 * 1024

/** The sets of a chain that is whole, oldest first: no instance is missing, there twice, malformed or marked as failed. */
const chainOf = async (fields: readonly Field[], header: Header): Promise<readonly ArcSet[]> => {
  if (!fields.every(isReadable)) throw new ChainError('a field is too long, or has too many blanks')
  const { getARChain } = await mailauth()
  const chain = await told(async () => getARChain({ parsed: fields.map(rowOf) }, { strict: true }) || [])
  if (chain.length * header.size > mostWork) throw new ChainError('the header is too long for so many instances')
  return chain as unknown as readonly ArcSet[]
}

const verifySeals = async (chain: readonly ArcSet[], keys: DkimKeys): Promise<void> => {
  const { verifyASChain } = await mailauth()
  const options = { strict: true, keyCache: keysFor(keys) }
  await told(() => verifyASChain({ chain: [...chain] as never[] }, options))
}

/**
 * Verifies the message signatures, newest first (RFC 8617 §5.2 steps 4 and 5): the lowest instance of those that hold
 * without a gap, 0 when all do. Throws ChainError when the newest does not.
 */
const oldestPass = async (
  chain: readonly ArcSet[],
  signed: SignedMessage,
  { body, keys, signal }: { readonly body: Body; readonly keys: DkimKeys; readonly signal: AbortSignal },
): Promise<number> => {
  const signatures = chain.map((set) => {
    const field = set['arc-message-signature']
    // Whatever stands behind the part that is signed could be anybody's.
    const fault = field.parsed.l ? 'message contains an insecure body length tag' : signed.add(field, 'ARC')
    return { field, fault }
  })
  for (let instance = signatures.length; instance > 0; instance--) {
    const { field, fault } = signatures[instance - 1] ?? {}
    const newest = instance === signatures.length
    if (newest && field && fault === undefined) {
      await keysFor(keys).get('ARC', `${field.parsed.s?.value}._domainkey.${field.parsed.d?.value}`)
      await signed.readBody(body, signal)
    }
    const reason = fault ?? (field && (await signed.verify(field)))
    signal.throwIfAborted() // a key that nobody waited for looks like one that is not there
    if (reason === undefined) continue
    if (newest) throw new ChainError(`i=${instance} message signature: ${printable(reason)}`)
    return instance + 1
  }
  return 0
}

/** What mailauth has against a chain has a code; whatever else it throws nobody foresaw. */
const told = async <T>(verify: () => Promise<T>): Promise<T> => {
  try {
    return await verify()
  } catch (error) {
    const foreseen = error instanceof Error && 'code' in error && typeof error.code === 'string'
    throw foreseen ? new ChainError(printable(error.message), { cause: error }) : error
  }
}

/** Parts of it may be a stranger's. */
const printable = (text: string): string => text.replace(/[^ -~]+/g, '?').slice(0, 200)
