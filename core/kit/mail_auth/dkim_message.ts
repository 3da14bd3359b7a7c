import { setImmediate as othersTurn } from 'node:timers/promises'
import type { DkimVerifier, HeaderRow, KeyCache } from 'mailauth/lib/dkim/dkim-verifier.js'
import type { parseDkimHeaders, SignatureField } from 'mailauth/lib/tools.js'
import type { Body, Field, Header } from '../message/message.ts'
import { view } from '../message/octets.ts'
import { type DkimKey, type DkimKeys, isForMail, KeyError, rememberedKeys } from './dkim_key.ts'

/** What takes long to load, and keys that have been read. One serves for as many messages as there are. */
export interface DkimEngine {
  readonly DkimVerifier: typeof DkimVerifier
  readonly parseDkimHeaders: typeof parseDkimHeaders
  readonly readKey: (record: string) => DkimKey
}

/** Loads mailauth, which takes 100 milliseconds. */
export const loadDkim = async (): Promise<DkimEngine> => {
  const { DkimVerifier } = await import('mailauth/lib/dkim/dkim-verifier.js')
  const { parseDkimHeaders } = await import('mailauth/lib/tools.js')
  return { DkimVerifier, parseDkimHeaders, readKey: rememberedKeys() }
}

/**
 * A message before mailauth's verifier, for the DKIM-Signatures or ARC-Message-Signatures that are worth it. The verifier is
 * driven from here rather than with the stream of `dkimVerify`: that one would verify all that a stranger puts into a header,
 * does not tell what it left out, needs time that grows with the square of the lines of a folded field, and four times as
 * much as this for a short message.
 */
export class SignedMessage {
  readonly #verifier: DkimVerifier
  /** Of the fields as they are looked for by each name in `h=`. */
  readonly #fieldCount: number

  /** `strict` reads signatures as RFC 6376 has it, otherwise with allowances for faulty ones. */
  constructor({ DkimVerifier }: DkimEngine, header: Header, keys: DkimKeys, { strict }: { readonly strict: boolean }) {
    this.#verifier = new DkimVerifier({ strict })
    this.#verifier.headers = { parsed: header.fields.map(rowOf) }
    this.#verifier.keyCache = keysFor(keys)
    this.#fieldCount = header.fields.length
  }

  /** Makes ready for a signature, before the body is read. The reason why it cannot be verified, if so. */
  add(signature: SignatureField, type: 'DKIM' | 'ARC'): string | undefined {
    const names = String(signature.parsed.h?.value ?? '').split(':').length
    if (names * this.#fieldCount > mostComparisons) return 'too many signed header fields'
    signature.type = type
    this.#verifier.prepareSignature(signature)
    const { skip, invalid, bodyCanon = '', hashAlgo = '' } = signature
    if (skip !== undefined || invalid !== undefined) return skip ?? invalid
    signature.bodyHashKey = this.#verifier.addBodyHash(bodyCanon, hashAlgo, '')
    return undefined
  }

  /** Hashes the body, once for each canonicalization. Throws the reason of the signal once that has aborted. */
  async readBody(body: Body, signal: AbortSignal): Promise<void> {
    let line: Uint8Array[] = []
    for await (const slice of slices(body)) {
      signal.throwIfAborted()
      line.push(slice)
      if (!slice.includes(LF)) continue // mailauth copies a line that is not complete each time more of it comes
      this.#update(line)
      line = []
    }
    this.#update(line)
    for (const hash of this.#verifier.bodyHashes.values()) hash.hash = hash.digest('base64')
  }

  /** Verifies a signature that was added, once the body has been read. Undefined when it holds, or the reason why not. */
  async verify(signature: SignatureField): Promise<string | undefined> {
    const { status } = await this.#verifier.verifySignature(signature)
    return status.result === 'pass' ? undefined : (status.comment ?? status.result)
  }

  #update(slices: readonly Uint8Array[]): void {
    const [only = new Uint8Array()] = slices
    const chunk = slices.length === 1 ? only : Buffer.concat(slices)
    const parts = hasLoneLF(chunk, this.#verifier.lastByte) ? this.#verifier.ensureLinebreaks(chunk) : [chunk]
    for (const part of parts) for (const hash of this.#verifier.bodyHashes.values()) hash.update(part)
    this.#verifier.lastByte = chunk.at(-1) ?? this.#verifier.lastByte ?? 0
  }
}

const LF = 10
const CR = 13
const sliceSize = 64 * 1024
/** Of names in `h=` with fields; mailauth looks for each name in all fields. A hundred names in a thousand fields are much. */
const mostComparisons = 100_000

/** A body in pieces that do not keep everybody else waiting for long; even the slower canonicalization takes half a millisecond. */
async function* slices(body: Body): AsyncGenerator<Uint8Array> {
  for await (const chunk of body.read()) {
    for (let at = 0; at < chunk.length; at += sliceSize) {
      if (at > 0) await othersTurn()
      yield chunk.subarray(at, at + sliceSize)
    }
  }
}

const hasLoneLF = (chunk: Uint8Array, before: number | undefined): boolean => {
  for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
    if ((at === 0 ? before : chunk[at - 1]) !== CR) return true
  }
  return false
}

/** A field as mailauth's own parser would have it. */
export const rowOf = ({ name, raw }: Field): HeaderRow => {
  const line = view(raw)
  const end = line.at(-2) === CR ? -2 : -1
  return { key: name.toLowerCase(), casedKey: name, line: line.subarray(0, end) }
}

/** Whether a field is one that mailauth may be given to read: runs of blanks cost it the square of their length. */
export const isReadable = ({ raw }: Field): boolean =>
  raw.length <= longestField && !/[ \t\r\n]{257}/.test(view(raw).toString('latin1'))

const longestField = 32 * 1024

/** Keys as mailauth asks for them. ARC has the same as DKIM, and their owners have the same say. */
export const keysFor = (keys: DkimKeys): KeyCache => ({
  get(_type, name) {
    const key = usable(keys.find(name))
    key.catch(() => {}) // it may be asked ahead of time
    return key
  },
})

const usable = async (found: Promise<DkimKey>) => {
  const { type, publicKey, hashes, services } = await found
  if (hashes && !hashes.includes('sha256')) throw new KeyError('inappropriate hash algorithm')
  if (!isForMail(services)) throw new KeyError('inappropriate service')
  return { publicKey, keyType: type, flags: [], warnings: [] }
}
