import punycode from 'punycode.js'

/**
 * Domain names the way maddy writes them: plain Punycode (RFC 3492) for each label, cut at the full stops, with none of
 * the mappings and checks of UTS #46. Names that other servers and tables have always held must go on comparing equal.
 */

/** Lower case, code point by code point: no final sigma, ß stays, and a dotted capital I becomes a plain i. */
export const lowerCase = (text: string): string =>
  (isAscii(text) ? text : text.replaceAll('İ', 'i').replaceAll('Σ', 'σ')).toLowerCase()

export const isAscii = (text: string): boolean => !/[^\0-\x7f]/.test(text)

const prefix = 'xn--'

/** Most domains are in every form at once already, and every message has several of them. */
const isPlain = (domain: string): boolean => /^[a-z0-9.-]*$/.test(domain) && !domain.includes(prefix)

const decodeLabel = (label: string): string => {
  if (!label.startsWith(prefix)) return label
  try {
    const decoded = punycode.decode(label.slice(prefix.length))
    if (decoded.isWellFormed()) return decoded
  } catch {} // told below, in words that name the label
  throw new RangeError(`${JSON.stringify(label)} is no valid A-label`)
}

const encodeLabel = (label: string): string => {
  if (!isAscii(label)) return prefix + punycode.encode(label)
  decodeLabel(label)
  return label
}

/** A domain with U-labels, in NFC. Only labels that begin with `xn--` in lower case are decoded. Throws RangeError. */
export const toUnicode = (domain: string): string =>
  isPlain(domain) ? domain : domain.split('.').map(decodeLabel).join('.').normalize('NFC')

/** A domain with A-labels; ASCII labels stay as they are. Throws RangeError when an `xn--` label cannot be decoded. */
export const toAscii = (domain: string): string =>
  isPlain(domain) ? domain : domain.split('.').map(encodeLabel).join('.')

/** A domain as an Address holds it: U-labels, NFC, lower case; a trailing dot stays. Throws RangeError. */
export const cleanDomain = (domain: string): string => (isPlain(domain) ? domain : lowerCase(toUnicode(domain)))

/** A domain as the key of a table or a rule: clean, and without one trailing dot. Throws RangeError. */
export const domainForLookup = (domain: string): string => cleanDomain(domain).replace(/\.$/, '')

/** Whether two domains are one, however each is written. What cannot be decoded equals only itself, in any case. */
export const sameDomain = (a: string, b: string): boolean => a === b || domainKey(a) === domainKey(b)

const domainKey = (domain: string): string => {
  try {
    return domainForLookup(domain)
  } catch {
    return lowerCase(domain)
  }
}

/** 1 to 255 bytes, no empty label before the last, none above 64 bytes as an A-label; any characters, address literals too. */
export const validDomain = (domain: string): boolean => {
  if (domain === '' || Buffer.byteLength(domain) > 255 || domain.startsWith('.') || domain.includes('..')) return false
  try {
    return toAscii(domain)
      .split('.')
      .every((label) => label.length <= 64)
  } catch {
    return false
  }
}
