import { sameDomain } from '../address/domain.ts'
import { foldField } from '../message/fold.ts'
import type { Header } from '../message/message.ts'
import type { AuthenticationResult } from './result.ts'

/**
 * The Authentication-Results field (RFC 8601 §2.2), folded, with its CRLF. `authservId` is the name of this server, in
 * A-labels.
 */
export const authenticationResults = (authservId: string, results: readonly AuthenticationResult[]): string =>
  foldField('Authentication-Results', [authservId, ...results.map(entry)].join('; '))

/** No name and no address is longer (RFC 5321 §4.5.3.1), and a line of a header holds no more than three times that. */
const longestProperty = 320

const entry = ({ method, value, reason, properties = {} }: AuthenticationResult): string => {
  const words = Object.keys(properties)
    .toSorted()
    .flatMap((name) => {
      const value = properties[name] ?? ''
      return value !== '' && value.length <= longestProperty ? [`${name}=${propertyValue(value)}`] : []
    })
  return [`${method}=${value}`, ...(reason ? [`reason=${reasonValue(reason)}`] : []), ...words].join(' ')
}

const reasonValue = (text: string): string => (/[\s()<>@,;:\\"/[\]?=]/.test(text) ? quoted(text) : plain(text))

const propertyValue = (text: string): string =>
  /^[\w#$%&'*+,./\-@[\]\\^`{|}~]*$/.test(text)
    ? plain(text)
    : /[^!-~]|[()<>@,;:\\"/[\]?=]/.test(text)
      ? quoted(text)
      : plain(text)

/** A backslash escapes what follows it in a quoted string, so it is escaped too (RFC 5322 §3.2.4). */
const quoted = (text: string): string => `"${plain(text).replace(/["\\]/g, '\\$&')}"`

/** Control characters, which no value needs, could break the field up. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const plain = (text: string): string => text.replace(/[\0-\x1f\x7f]+/g, ' ')

/**
 * The header without the Authentication-Results fields that claim to be of this server: whoever reads ours must be able to
 * trust them (RFC 8601 §5).
 */
export const withoutForgedResults = (header: Header, authservId: string): Header =>
  header.without(
    ({ name, value }) => name.toLowerCase() === 'authentication-results' && sameDomain(claimed(value), authservId),
  )

/** The authserv-id of a field: its first word, which may be quoted and have comments before it. */
const claimed = (value: string): string => {
  let rest = value.trimStart()
  while (rest.startsWith('(')) rest = withoutComment(rest).trimStart()
  const quotedId = /^"((?:[^"\\]|\\.)*)"/s.exec(rest)?.[1]
  return quotedId === undefined ? (/^[^\s;(]*/.exec(rest)?.[0] ?? '') : quotedId.replace(/\\(.)/gs, '$1')
}

const withoutComment = (text: string): string => {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '(') depth++
    else if (text[at] === ')' && --depth === 0) return text.slice(at + 1)
  }
  return ''
}
