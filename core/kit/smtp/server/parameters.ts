import { SmtpError } from '../error.ts'
import { parsePath } from './path.ts'
import type { MailParameters } from './receiver.ts'

/** `KEYWORD` and `KEYWORD=value` (RFC 5321 §4.1.2): keywords in capital letters, each once. Undefined when they do not parse. */
const parse = (rest: string): Map<string, string | undefined> | undefined => {
  const found = new Map<string, string | undefined>()
  for (const word of rest.split(' ')) {
    if (word === '') continue
    const [, key, , value] = /^([a-z0-9][a-z0-9-]*)(=([\x21-\x3c\x3e-\x7e\x80-\uffff]+))?$/i.exec(word) ?? []
    if (key === undefined || found.has(key.toUpperCase())) return undefined
    found.set(key.toUpperCase(), value)
  }
  return found
}

const notOffered = (name: string) => SmtpError.permanent(504, '5.5.4', `${name} is not implemented`)

const none: MailParameters = { smtputf8: false, requireTls: false, size: undefined }

/** The parameters of MAIL. Throws SmtpError. `maxSize` is in bytes, 0 for any. */
export const mailParameters = (rest: string, maxSize: number): MailParameters => {
  if (rest === '') return none
  const found = parse(rest)
  if (!found) throw SmtpError.permanent(501, '5.5.4', 'Unable to parse MAIL ESMTP parameters')
  let size: number | undefined
  for (const [key, value] of found) {
    if (key === 'SIZE') size = sizeOf(value, maxSize)
    else if (key === 'BODY') checkBody(value)
    else if (key === 'AUTH') checkAuth(value)
    else if (key === 'RET' || key === 'ENVID') throw notOffered(key)
    else if (key !== 'SMTPUTF8' && key !== 'REQUIRETLS') {
      throw SmtpError.permanent(500, '5.5.4', 'Unknown MAIL FROM argument')
    } else if (value !== undefined) {
      throw SmtpError.permanent(501, '5.5.4', 'Unable to parse MAIL ESMTP parameters')
    }
  }
  return { smtputf8: found.has('SMTPUTF8'), requireTls: found.has('REQUIRETLS'), size }
}

/** RCPT has no parameter that is offered. Throws SmtpError when there is one. */
export const checkRecipientParameters = (rest: string): void => {
  if (rest === '') return
  const found = parse(rest)
  if (!found) throw SmtpError.permanent(501, '5.5.4', 'Unable to parse RCPT ESMTP parameters')
  for (const key of found.keys()) {
    if (key === 'NOTIFY' || key === 'ORCPT') throw notOffered(key)
    throw SmtpError.permanent(500, '5.5.4', 'Unknown RCPT TO argument')
  }
}

const sizeOf = (value: string | undefined, maxSize: number): number => {
  if (value === undefined || !/^\d{1,20}$/.test(value)) {
    throw SmtpError.permanent(501, '5.5.4', 'Unable to parse SIZE as an integer')
  }
  const size = Number(value)
  if (maxSize > 0 && size > maxSize) throw SmtpError.permanent(552, '5.3.4', 'Max message size exceeded')
  return size
}

const checkBody = (value: string | undefined): void => {
  const body = value?.toUpperCase()
  if (body === '7BIT' || body === '8BITMIME') return
  if (body === 'BINARYMIME') throw SmtpError.permanent(504, '5.5.4', 'BINARYMIME is not implemented')
  throw SmtpError.permanent(501, '5.5.4', 'Unknown BODY value')
}

/** An address in xtext, or `<>` (RFC 4954 §5). Nobody is told: whom a client names here proves nothing. */
const checkAuth = (value: string | undefined): void => {
  const text = value?.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  if (text === undefined || value?.replace(/\+[0-9A-F]{2}/g, '').includes('+') || !parsePath(text)) {
    throw SmtpError.permanent(500, '5.5.4', 'Malformed AUTH parameter value')
  }
}
