import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { AuthenticationResult } from '../../../core/kit/mail_auth/result.ts'
import { memoryBody, parseHeader, splitMessage } from '../../../core/kit/message/index.ts'
import type { Message } from '../../../core/kit/message/message.ts'

export const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const ed25519 = generateKeyPairSync('ed25519')

const spki = (key: KeyObject): string => key.export({ type: 'spki', format: 'der' }).toString('base64')

/** What DNS says of the keys. */
export const rsaRecord = `v=DKIM1; k=rsa; p=${spki(rsa.publicKey)}`
export const ed25519Record = `v=DKIM1; k=ed25519; p=${ed25519.publicKey
  .export({ type: 'spki', format: 'der' })
  .subarray(-32)
  .toString('base64')}`

export const lines = (...all: readonly string[]): string => all.map((line) => `${line}\r\n`).join('')

export const plainMessage = lines(
  'From: Ann <ann@example.org>',
  'To: Bob <bob@example.net>',
  'Subject: Tea',
  'Date: Mon, 3 Mar 2025 10:00:00 +0000',
  'Message-ID: <1@example.org>',
  '',
  'At four?',
  '',
  'Ann',
)

export const messageOf = (text: string | Uint8Array): Message => {
  const bytes = Buffer.from(text as string)
  const { headerEnd, bodyStart } = splitMessage(bytes)
  const body = memoryBody(bytes.subarray(bodyStart))
  return { header: parseHeader(bytes.subarray(0, headerEnd)), body, quarantined: false }
}

export interface SignOptions {
  /** In place of those of a sound signature, or besides them; null leaves one out. */
  readonly tags?: Readonly<Record<string, string | null>>
  readonly key?: KeyObject
  readonly hash?: 'sha256' | 'sha1'
  /** Parts put behind the list of tags, before `b`. */
  readonly extra?: string
}

/** As the simple canonicalization has it. */
export const bodyHash = (body: string, hash: string): string =>
  createHash(hash)
    .update(`${body.replace(/(\r\n)*$/, '')}\r\n`)
    .digest('base64')

/** A field in the relaxed canonicalization, without its CRLF. */
export const relaxed = (field: string): string => {
  const colon = field.indexOf(':')
  const value = field
    .slice(colon + 1)
    .replace(/\r\n/g, '')
    .replace(/[ \t]+/g, ' ')
    .trim()
  return `${field.slice(0, colon).toLowerCase()}:${value}`
}

/**
 * A message with a signature on top, c=relaxed/simple, whose tags may be as wrong as a test wants them; the signature itself
 * is that of the fields it lists. Written for tests: knows no folded fields but its own.
 */
export const signed = (
  message: string,
  { tags: given = {}, key = rsa.privateKey, hash = 'sha256', extra = '' }: SignOptions = {},
): string => {
  const [header = '', body = ''] = message.split(/\r\n\r\n(.*)/s)
  const tags: Record<string, string | null> = {
    v: '1',
    a: key.asymmetricKeyType === 'rsa' ? `rsa-${hash}` : 'ed25519-sha256',
    c: 'relaxed/simple',
    d: 'example.org',
    s: 'sel',
    h: 'From:To:Subject:Date:Message-ID',
    bh: bodyHash(body, hash),
    ...given,
  }
  const list = Object.entries(tags).flatMap(([name, value]) =>
    value === null || name === 'b' ? [] : [`${name}=${value}`],
  )
  const field = `DKIM-Signature: ${list.join('; ')};${extra} b=`
  const rows = header.split('\r\n')
  const covered = (tags.h ?? '').split(':').flatMap((name) => {
    const at = rows.findLastIndex((row) => row.toLowerCase().startsWith(`${name.trim().toLowerCase()}:`))
    return at < 0 ? [] : rows.splice(at, 1)
  })
  const data = Buffer.from([...covered, field].map(relaxed).join('\r\n'))
  const toSign = key.asymmetricKeyType === 'rsa' ? data : createHash('sha256').update(data).digest()
  const signature = sign(key.asymmetricKeyType === 'rsa' ? hash : null, toSign, key).toString('base64')
  return `${field}${given.b ?? signature}\r\n${message}`
}

/** Value and reason of each result, the way they stand in the field. */
export const told = (results: readonly AuthenticationResult[]): string[] =>
  results.map(({ value, reason }) => (reason === undefined ? value : `${value} ${reason}`))
