import { createHash, sign as signBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { Body, Message } from '../message/message.ts'
import { BodyHash } from './body_hash.ts'
import { type Canonicalization, canonicalField } from './canonical.ts'
import type { SigningKey } from './key.ts'
import { SignatureField } from './signature_field.ts'
import { type FieldNames, signedFields } from './signed_fields.ts'

export interface SignOptions {
  /** `d`, with A-labels, or U-labels where the message is internationalised (RFC 8616). */
  readonly domain: string
  /** `s`, in the same form. */
  readonly selector: string
  readonly key: SigningKey
  readonly fields: FieldNames
  readonly header: Canonicalization
  readonly body: Canonicalization
  /** When it is signed; milliseconds. Now, when left out. */
  readonly at?: number
  /** How long the signature is good for; milliseconds, and 0 is for ever. */
  readonly expiry: number
}

/**
 * Signs a message (RFC 6376, RFC 8463): a whole DKIM-Signature field, folded and with its CRLF, to be put on top. The body is
 * read once, and not kept. Throws what reading it throws.
 */
export async function signMessage(
  { header, body }: Pick<Message, 'header' | 'body'>,
  options: SignOptions,
): Promise<string> {
  const { names, fields } = signedFields(header, options.fields)
  const field = new SignatureField()
    .tag('v', '1')
    .tag('a', options.key.algorithm)
    .tag('bh', await hashBody(body, options.body))
    .tag('c', `${options.header}/${options.body}`)
    .tag('d', options.domain)
    .list('h', names)
    .tag('i', `@${options.domain}`)
    .tag('s', options.selector)
  const seconds = Math.floor((options.at ?? Date.now()) / 1000)
  field.tag('t', String(seconds))
  // Later than `t` by all means, or nobody would accept it (RFC 6376 §3.5).
  if (options.expiry > 0) field.tag('x', String(seconds + Math.ceil(options.expiry / 1000)))
  const signed = fields.map(({ raw }) => canonicalField(raw, options.header)).join('')
  const own = canonicalField(Buffer.from(field.unsigned()), options.header).replace(/\r\n$/, '')
  const signature = await signText(Buffer.from(signed + own, 'latin1'), options.key)
  return field.signed(signature.toString('base64'))
}

async function hashBody(body: Body, canonicalization: Canonicalization): Promise<string> {
  const hash = new BodyHash(canonicalization)
  for await (const chunk of body.read()) hash.update(chunk)
  return hash.digest()
}

/** With a callback the work is done in a thread of the pool: an RSA signature takes about a millisecond. */
const signAsync = promisify(signBytes)

async function signText(text: Buffer, { algorithm, privateKey }: SigningKey): Promise<Buffer> {
  if (algorithm === 'rsa-sha256') return await signAsync('sha256', text, privateKey)
  return await signAsync(null, createHash('sha256').update(text).digest(), privateKey) // RFC 8463 §3
}
