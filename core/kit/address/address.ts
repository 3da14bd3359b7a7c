/**
 * A mailbox, `local@domain` (RFC 5321 §4.1.2), as plain data. The domain is in lower case with U-labels in NFC; the local
 * part is as it was sent, without the quotes of the wire. Only `postmaster`, in any case, may have an empty domain.
 */
export interface Address {
  readonly local: string
  readonly domain: string
}
