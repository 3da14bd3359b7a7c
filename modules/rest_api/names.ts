import { domainForLookup, normalizers, toAscii, validAddress, validDomain } from '../../core/kit/address/index.ts'
import { invalid } from './errors.ts'

/** As long as the columns that they are kept in. */
const longest = 255

/** Letters, digits, `_` and, in between, `-`. Address literals and patterns are none. */
const label = /^(?!-)[\p{L}\p{N}\p{M}_-]+(?<!-)$/u

/** Octets of a label (RFC 1035 §2.3.4). */
const longestLabel = 63

/** Whether that is an address that mail could come for, with a local part that needs no quotes. */
export const isEmail = (text: string): boolean => {
  const [, local = '', domain = ''] = /^([^@"]+)@([^@]+)$/.exec(text) ?? []
  return (
    local !== '' && validAddress(text) && isDomain(domain) && text.length <= longest && normalized(text) !== undefined
  )
}

/** Whether DNS can hold that name, once it is in A-labels. */
export const isDomain = (text: string): boolean => {
  if (!validDomain(text) || /^[\d.]+$/.test(text)) return false
  const name = text.replace(/\.$/, '')
  return (
    name.split('.').every((each) => label.test(each)) &&
    toAscii(name)
      .split('.')
      .every(({ length }) => length <= longestLabel)
  )
}

/** `XN--` begins an A-label no less than `xn--` does. */
const asciiLowerCase = (domain: string): string => domain.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

const normalized = (name: string): string | undefined => {
  try {
    const at = name.lastIndexOf('@') + 1
    const text = normalizers.auto(at === 0 ? name : name.slice(0, at) + asciiLowerCase(name.slice(at)))
    return text.length <= longest ? text : undefined
  } catch {
    return undefined
  }
}

/** A name that is an address, in the form in which credentials and accounts have it. Throws ApiError 400. */
export const emailName = (written: string, field: string): string => {
  const name = isEmail(written) ? normalized(written) : undefined
  if (name === undefined) throw invalid(field, 'format', 'has to be an e-mail address')
  return name
}

/** A name in a path: an address, or a plain word that an administrator chose. In the form of credentials. Throws ApiError 400. */
export const userName = (written: string): string => {
  const plausible = isEmail(written) || /^[\p{L}\p{N}][\p{L}\p{N}\p{M}._+-]*$/u.test(written)
  const name = plausible ? normalized(written) : undefined
  if (name === undefined) throw invalid('id', 'format', 'has to be the name of a user')
  return name
}

/** A domain in U-labels and lower case. Throws ApiError 400. */
export const domainName = (written: string, field: string): string => {
  if (!isDomain(written)) throw invalid(field, 'format', 'has to be a domain')
  return domainForLookup(asciiLowerCase(written))
}

/** The domain of a name, in the same form; empty when it has none. */
export const domainOf = (name: string): string => {
  const domain = name.slice(name.lastIndexOf('@') + 1)
  if (domain.length === name.length) return ''
  try {
    return domainForLookup(domain)
  } catch {
    return domain.toLowerCase()
  }
}
