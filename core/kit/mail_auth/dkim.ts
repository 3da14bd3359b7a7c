import type { SignatureField } from 'mailauth/lib/tools.js'
import type { Resolver } from '../dns/resolver.ts'
import type { Field, Header, Message } from '../message/message.ts'
import { DkimKeys, KeyError } from './dkim_key.ts'
import { type DkimEngine, isReadable, loadDkim, rowOf, SignedMessage } from './dkim_message.ts'
import { type Fault, faultOfSignature, faultOfUse, signedFields, tagsOf } from './dkim_signature.ts'
import type { AuthenticationResult } from './result.ts'

export { type DkimEngine, loadDkim }

export interface DkimOptions {
  /** Fields that a signature has to cover, besides From; their case does not matter. */
  readonly requiredFields?: readonly string[]
  readonly signal: AbortSignal
  /** Loaded anew where it is missing. */
  readonly engine?: DkimEngine | undefined
}

/**
 * DKIM (RFC 6376, RFC 8301, RFC 8463): the results of the signatures, top to bottom, with `header.d` and `header.i`; none
 * for a message without any. `pass`, or why not: `fail`, `permerror`, and `temperror` where DNS could not tell the key. Of
 * many signatures only the topmost are verified and told of: 20, fewer in a header above 200 KB. The body is only read if
 * one of them may pass. Rejects with the reason of the signal once that aborts, and with what reading the body throws.
 */
export const verifyDkim = async (
  message: Message,
  dns: Resolver,
  { requiredFields = [], signal, engine }: DkimOptions,
): Promise<readonly AuthenticationResult[]> => {
  const fields = signatureFields(message.header)
  if (fields.length === 0) return []
  const loaded = engine ?? (await loadDkim())
  const keys = new DkimKeys(dns, loaded.readKey, signal)
  const signatures = await Promise.all(fields.map((field) => beforeHashing(field, loaded, keys)))
  const sound = signatures.flatMap(({ field, fault }) => (field && !fault ? [field] : []))
  const faults = await faultsOfContent(sound, new SignedMessage(loaded, message.header, keys, { strict: false }), {
    body: message.body,
    signal,
  })
  return signatures.map(({ field, fault }) => {
    if (!field) return resultOf(new Map(), fault)
    const tags = tagsOf(field)
    return resultOf(tags, fault ?? faults.get(field) ?? faultOfCoverage(tags, requiredFields))
  })
}

/** A signature, if it could be read, and what is wrong with it so far. */
interface Examined {
  readonly field?: SignatureField
  readonly fault?: Fault | undefined
}

const mostSignatures = 20
/** Of header, for all signatures together, each of which may cover the whole; bytes. */
const mostWork = 4 * 1024 * 1024

const signatureFields = (header: Header): readonly Field[] => {
  const affordable = Math.min(mostSignatures, Math.ceil(mostWork / header.size))
  return header.fields.filter(({ name }) => name.toLowerCase() === 'dkim-signature').slice(0, affordable)
}

const beforeHashing = async (written: Field, { parseDkimHeaders }: DkimEngine, keys: DkimKeys): Promise<Examined> => {
  if (!isReadable(written)) {
    return { fault: { value: 'permerror', reason: 'malformed signature tags: too long, or too many blanks' } }
  }
  const field = parseDkimHeaders(rowOf(written).line)
  const fault = faultOfSignature(field)
  if (fault) return { field, fault }
  const tags = tagsOf(field)
  try {
    return { field, fault: faultOfUse(tags, await keys.find(`${tags.get('s')}._domainkey.${tags.get('d')}`)) }
  } catch (error) {
    if (!(error instanceof KeyError)) throw error
    return { field, fault: { value: error.temporary ? 'temperror' : 'permerror', reason: error.message } }
  }
}

/** Reads the body, if any signature asks for it, and tells what is wrong with those that do not hold. */
const faultsOfContent = async (
  signatures: readonly SignatureField[],
  signed: SignedMessage,
  { body, signal }: { readonly body: Message['body']; readonly signal: AbortSignal },
): Promise<ReadonlyMap<SignatureField, Fault>> => {
  const faults = new Map<SignatureField, Fault>()
  for (const field of signatures) {
    const reason = signed.add(field, 'DKIM')
    if (reason !== undefined) faults.set(field, { value: 'permerror', reason })
  }
  if (faults.size === signatures.length) return faults
  await signed.readBody(body, signal)
  for (const field of signatures) {
    if (faults.has(field)) continue
    const reason = await signed.verify(field)
    if (reason !== undefined) faults.set(field, faultOfVerification(reason))
  }
  return faults
}

const faultOfVerification = (reason: string): Fault => {
  if (reason === 'body hash did not verify') return { value: 'fail', reason }
  if (reason === 'expired') return { value: 'permerror', reason: 'signature has expired' }
  if (reason === 'invalid expiration') return { value: 'permerror', reason } // it ends before it begins
  return { value: 'fail', reason: `signature did not verify: ${reason}` }
}

const faultOfCoverage = (tags: ReadonlyMap<string, string>, requiredFields: readonly string[]): Fault | undefined => {
  const signed = signedFields(tags)
  if (requiredFields.every((name) => signed.includes(name.toLowerCase()))) return undefined
  return { value: 'permerror', reason: 'some header fields are not signed' }
}

const resultOf = (tags: ReadonlyMap<string, string>, fault: Fault | undefined): AuthenticationResult => {
  const domain = bounded(tags.get('d'))
  const identity = bounded(tags.get('i') ?? (domain && `@${domain}`))
  return {
    method: 'dkim',
    ...(fault ?? { value: 'pass' }),
    properties: { ...(domain && { 'header.d': domain }), ...(identity && { 'header.i': identity }) },
  }
}

/** No domain and no identity is longer (RFC 5321 §4.5.3.1); what is, does not belong into another field. */
const bounded = (name = ''): string => (Buffer.byteLength(name) <= 320 ? name : '')
