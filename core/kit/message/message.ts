import type { AuthenticationResult } from '../mail_auth/result.ts'

/** Header and body of a message. The body may be read any number of times until the transaction ends; nothing changes it. */
export interface Message {
  readonly header: Header
  readonly body: Body
  /** Set once a check or DMARC found it fit for the Junk folder only. */
  readonly quarantined: boolean
  /** What checks have found so far, for those who come later. */
  readonly results?: readonly AuthenticationResult[]
}

/** The octets after the empty line that ends the header. */
export interface Body {
  /** In bytes. */
  readonly size: number
  /** The whole body when it is in memory, without a copy. */
  readonly memory: Uint8Array | undefined
  /** The body, or `length` bytes from `start`, in chunks of at most 64 KiB when it comes from a file. */
  read(start?: number, length?: number): AsyncIterable<Uint8Array>
}

/** One field as it stands: `raw` holds name, colon, folded value and the final CRLF. */
export interface Field {
  /** As written, without trailing blanks. */
  readonly name: string
  readonly raw: Uint8Array
  /** Unfolded and trimmed; bytes above 127 read as UTF-8 where they are, else as Latin-1. Encoded words are left alone. */
  readonly value: string
}

/** A header section: raw bytes and an index of its fields. Immutable. */
export interface Header {
  /** In bytes, without the empty line that ends it. */
  readonly size: number
  /** Top to bottom. */
  readonly fields: readonly Field[]
  /** The topmost field of that name, case ignored: its value. */
  get(name: string): string | undefined
  /** The values of all fields of that name, top to bottom. */
  all(name: string): readonly string[]
  /** A header with these complete fields (each with its final CRLF) on top. */
  prepend(...fields: readonly (string | Uint8Array)[]): Header
  /** A header without the fields that `drop` picks. */
  without(drop: (field: Field) => boolean): Header
  /** All fields as bytes, without the empty line. */
  bytes(): Uint8Array
}
