/** Those parts of mailauth that it ships no types for, as far as they are used here. */

declare module 'mailauth/lib/tools.js' {
  /** A tag as written; white space inside its value is collapsed. */
  interface Tag {
    readonly name: string
    readonly value: string
  }

  /** A field that is a list of tags. */
  interface SignatureField {
    /** Tags by their name; of several the last. Without `strict` names are in lower case. */
    readonly parsed: Readonly<Record<string, { readonly value: string | number } | undefined>>
    readonly tags: readonly Tag[]
    readonly syntaxErrors: readonly string[]
    readonly original: Buffer
    type?: 'DKIM' | 'ARC'
    /** Why it cannot be verified at all. */
    skip?: string
    invalid?: string
    bodyCanon?: string
    hashAlgo?: string
    bodyHashKey?: string
  }

  export function parseDkimHeaders(line: Buffer, options?: { readonly strict?: boolean }): SignatureField
}

declare module 'mailauth/lib/dkim/dkim-verifier.js' {
  import type { KeyObject } from 'node:crypto'
  import type { SignatureField } from 'mailauth/lib/tools.js'

  /** One field. `line` is without its final CRLF, `key` is its name in lower case. */
  interface HeaderRow {
    readonly key: string
    readonly casedKey: string
    readonly line: Buffer
  }

  interface BodyHash {
    hash?: string
    update(chunk: Uint8Array): void
    digest(encoding: 'base64'): string
  }

  interface FoundKey {
    readonly publicKey: KeyObject
    readonly keyType: string
    readonly flags: readonly string[]
    readonly warnings: readonly string[]
  }

  interface KeyCache {
    get(type: string, name: string): Promise<FoundKey>
  }

  export class DkimVerifier {
    constructor(options: { readonly strict: boolean })
    headers: { readonly parsed: readonly HeaderRow[] }
    keyCache: KeyCache
    readonly bodyHashes: Map<string, BodyHash>
    prepareSignature(field: SignatureField): void
    addBodyHash(canonicalization: string, hash: string, length: ''): string
    verifySignature(
      field: SignatureField,
    ): Promise<{ readonly status: { readonly result: string; readonly comment?: string } }>
    /** CRLF for each LF on its own; `lastByte` is what came before. */
    ensureLinebreaks(chunk: Uint8Array): Iterable<Uint8Array>
    lastByte?: number
  }
}
