import { AddressReader, type Mailbox } from './address_reader.ts'
import { addressTokens } from './address_tokens.ts'

export type { Mailbox } from './address_reader.ts'

export interface AddressList {
  /** All of them, those in groups too, in written order. */
  readonly addresses: readonly Mailbox[]
  readonly groups: readonly { readonly name: string; readonly addresses: readonly Mailbox[] }[]
}

/**
 * The addresses of a field such as To (RFC 5322 §3.4 with the obsolete forms of §4.4, and RFC 6532). Empty elements are
 * passed over. Undefined when the syntax is wrong, or there is neither an address nor a group.
 */
export function parseAddressList(text: string): AddressList | undefined {
  const reader = new AddressReader(addressTokens(text))
  const addresses: Mailbox[] = []
  const groups: { name: string; addresses: readonly Mailbox[] }[] = []
  while (!reader.done) {
    if (reader.take(',')) continue
    const group = reader.group()
    if (group) groups.push(group)
    const found = group?.addresses ?? reader.mailboxes(1)
    if (!found || !(reader.done || reader.take(','))) return undefined
    addresses.push(...found)
  }
  return addresses.length + groups.length > 0 ? { addresses, groups } : undefined
}
