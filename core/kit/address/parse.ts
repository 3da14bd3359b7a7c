import type { Address } from './address.ts'
import { cleanDomain, isAscii, toAscii } from './domain.ts'

/** The words before and after the last `@`, as they stand; `postmaster`, in any case, has an empty domain. Throws RangeError. */
export const splitAddress = (text: string): Address => {
  if (isPostmaster(text)) return { local: text, domain: '' }
  const at = text.lastIndexOf('@')
  if (at < 0) throw new RangeError(`the @ is missing in ${JSON.stringify(text)}`)
  const [local, domain] = [text.slice(0, at), text.slice(at + 1)]
  if (local === '') throw new RangeError(`nothing stands before the @ in ${JSON.stringify(text)}`)
  if (domain === '') throw new RangeError(`nothing stands after the @ in ${JSON.stringify(text)}`)
  return { local, domain }
}

export const isPostmaster = (text: string): boolean => /^postmaster$/i.test(text)

/**
 * An address from a wire, a table or a configuration: quotes around the local part are removed, the domain is cleaned.
 * It tells no more than that the text has two parts (see `validAddress`). Throws RangeError.
 */
export const parseAddress = (text: string): Address => {
  const { local, domain } = splitAddress(text)
  return { local: local.startsWith('"') ? unquoteLocal(local) : local, domain: cleanDomain(domain) }
}

/** `local@domain` without quotes, for people, logs and tables. */
export const formatAddress = ({ local, domain }: Address): string => (domain === '' ? local : `${local}@${domain}`)

/**
 * An address as MAIL and RCPT carry it, without its angle brackets: the local part quoted where it must be, the domain in
 * A-labels unless the other side speaks SMTPUTF8. Throws RangeError for a local part that cannot travel: one that is not
 * ASCII, without SMTPUTF8, and one with control characters, which could end the command.
 */
export const wireAddress = ({ local, domain }: Address, smtpUtf8 = false): string => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  if (/[\0-\x1f\x7f]/.test(local + domain)) throw new RangeError('an address holds control characters')
  if (!smtpUtf8 && !isAscii(local)) throw new RangeError('a local part that is not ASCII needs SMTPUTF8')
  return formatAddress({ local: quoteLocal(local), domain: smtpUtf8 ? domain : toAscii(domain) })
}

/** Quotes a local part that would be misread without (RFC 5321 §4.1.2); dots, wherever they stand, are no reason. */
export const quoteLocal = (local: string): string =>
  /[()<>[\]:;@\\," ]/.test(local) ? `"${local.replace(/["\\]/g, '\\$&')}"` : local

/** Removes one pair of quotes, and the backslashes within. Throws RangeError for what is half quoted, or empty. */
export const unquoteLocal = (local: string): string => {
  const [, quoted] = /^"((?:[^"\\]|\\.)*)"$/su.exec(local) ?? []
  const plain = quoted?.replace(/\\(.)/gsu, '$1') ?? local
  if (quoted === undefined && /["\\@]/.test(local)) {
    throw new RangeError(`the quotes in the local part ${JSON.stringify(local)} are broken`)
  }
  if (plain === '') throw new RangeError('the local part is empty')
  return plain
}
