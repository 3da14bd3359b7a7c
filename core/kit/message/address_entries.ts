import { AddressReader, type Mailbox } from './address_reader.ts'
import { addressTokens } from './address_tokens.ts'

/**
 * An address as IMAP has it (RFC 3501 §7.4.2, `address`), null for NIL. Without a host it starts a group named by
 * `mailbox`; without both it ends one. An address that lacks a part has an empty string there.
 */
export interface AddressEntry {
  readonly name: string | null
  readonly route: string | null
  readonly mailbox: string | null
  readonly host: string | null
}

const groupEnd: AddressEntry = { name: null, route: null, mailbox: null, host: null }

/** The addresses and groups of a field, made the best of where the syntax is wrong. Never throws. */
export function parseAddresses(text: string): AddressEntry[] {
  const reader = new AddressReader(addressTokens(text))
  const entries: AddressEntry[] = []
  let inGroup = false
  while (!reader.done) {
    if (reader.take(',')) continue
    if (reader.take(';')) {
      if (inGroup) entries.push(groupEnd)
      inGroup = false
      continue
    }
    const group: string | undefined = inGroup ? undefined : reader.groupName()
    if (group === undefined) entries.push(entry(wellFormed(reader) ?? malformed(reader, text)))
    else entries.push({ name: null, route: null, mailbox: group, host: null })
    inGroup ||= group !== undefined
  }
  return inGroup ? [...entries, groupEnd] : entries
}

function entry({ name, route, mailbox, host }: Mailbox): AddressEntry {
  return { name: name || null, route: route || null, mailbox, host }
}

function wellFormed(reader: AddressReader): Mailbox | undefined {
  return reader.attempt(() => {
    const mailbox = reader.mailbox()
    return reader.done || endsElement(reader) ? mailbox : undefined
  })
}

function endsElement({ next }: AddressReader): boolean {
  return next?.kind === 'special' && (next.text === ',' || next.text === ';')
}

/** All up to the next comma or semicolon: an address is what stands in angle brackets, or else the word around an at-sign. */
function malformed(reader: AddressReader, text: string): Mailbox {
  const start = reader.next?.start ?? 0
  let end = start
  do end = reader.read()?.end ?? end
  while (!reader.done && !endsElement(reader))
  const element = text.slice(start, end)
  const open = element.lastIndexOf('<')
  if (open >= 0) {
    const close = element.indexOf('>', open)
    const address = element.slice(open + 1, close < 0 ? undefined : close)
    return { name: unquoted(element.slice(0, open)), route: '', ...split(address.trim()) }
  }
  const word = element.split(/\s+/).find((part) => part.includes('@'))
  return { name: '', route: '', ...split(word ?? unquoted(element)) }
}

function split(address: string): { mailbox: string; host: string } {
  const at = address.lastIndexOf('@')
  return at < 0 ? { mailbox: address, host: '' } : { mailbox: address.slice(0, at), host: address.slice(at + 1) }
}

function unquoted(text: string): string {
  return text.trim().replace(/^"(.*)"$/s, '$1')
}
