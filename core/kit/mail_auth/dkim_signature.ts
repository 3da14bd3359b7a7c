import type { SignatureField } from 'mailauth/lib/tools.js'
import { type DkimKey, isBase64, isForMail } from './dkim_key.ts'

/** The tags of a signature, names as written; of several tags of a name the last stands. */
export type Tags = ReadonlyMap<string, string>

export const tagsOf = ({ tags }: SignatureField): Tags => new Map(tags.map(({ name, value }) => [name, value]))

/** What is wrong with a signature, as a verdict. */
export interface Fault {
  readonly value: 'permerror' | 'temperror' | 'fail'
  readonly reason: string
}

const permerror = (reason: string): Fault => ({ value: 'permerror', reason })

/** What can be held against a signature before its key is known (RFC 6376 §6.1.1), the first of it. */
export const faultOfSignature = (field: SignatureField, now = Date.now()): Fault | undefined => {
  const tags = tagsOf(field)
  const malformed = faultOfList(field)
  if (malformed !== undefined) return permerror(`malformed signature tags: ${malformed}`)
  if (tags.get('v') !== '1') return permerror('incompatible signature version')
  if (required.some((name) => !tags.get(name))) return permerror('signature missing required tag')
  if (!isWithinDomain(tags)) return permerror('domain mismatch')
  if (!signedFields(tags).includes('from')) return permerror('From field not signed')
  if (!isTime(tags.get('t'))) return permerror('malformed time: not a number')
  if (!isTime(tags.get('x'))) return permerror('malformed expiration time: not a number')
  if (Number(tags.get('x') ?? Number.POSITIVE_INFINITY) * 1000 < now) return permerror('signature has expired')
  if (!isInDns(tags)) return permerror('unsupported public key query method')
  return undefined
}

/** What can be held against a signature with this key before anything is hashed, the first of it. */
export const faultOfUse = (tags: Tags, key: DkimKey): Fault | undefined => {
  const { type, hash } = algorithmOf(tags)
  if (hash === undefined) return permerror('malformed algorithm name')
  if (key.hashes && !key.hashes.includes(hash)) return permerror('inappropriate hash algorithm')
  if (hash === 'sha1') return permerror('hash algorithm too weak: sha1') // RFC 8301 §3.1
  if (hash !== 'sha256') return permerror('unsupported hash algorithm')
  if (key.type !== type) return permerror('inappropriate key algorithm')
  if (!isForMail(key.services)) return permerror('inappropriate service')
  const { header, body } = canonicalizationOf(tags)
  if (!canonicalizations.includes(header)) return permerror('unsupported header canonicalization algorithm')
  if (!canonicalizations.includes(body)) return permerror('unsupported body canonicalization algorithm')
  // Whatever stands behind the part that is signed could be anybody's (RFC 6376 §8.2).
  if (tags.has('l')) return { value: 'fail', reason: 'message contains an insecure body length tag' }
  if (!isBase64(withoutBlanks(tags.get('bh')))) return permerror('malformed body hash: not base64')
  if (!isBase64(withoutBlanks(tags.get('b')))) return permerror('malformed signature: not base64')
  return undefined
}

/** The names of the fields that are signed, in lower case, as often as they are listed. */
export const signedFields = (tags: Tags): readonly string[] =>
  (tags.get('h') ?? '').split(':').map((name) => name.trim().toLowerCase())

const required = ['v', 'a', 'b', 'bh', 'd', 'h', 's']
const known = [...required, 'c', 'i', 'l', 'q', 't', 'x', 'z']
const canonicalizations = ['simple', 'relaxed']

/**
 * mailauth takes a `D` for a `d`, and to us it is a tag that means nothing: no signature is to be verified with the key of
 * one domain and counted for another. So what can be read in two ways is not read at all.
 */
const faultOfList = ({ tags, syntaxErrors }: SignatureField): string | undefined => {
  if (syntaxErrors.some((each) => each.startsWith('tag-spec without'))) return 'a tag without a value'
  if (syntaxErrors.some((each) => each.startsWith('invalid tag name'))) return 'an invalid name of a tag'
  const ambiguous = tags.some(({ name }) => !known.includes(name) && known.includes(name.toLowerCase()))
  return ambiguous ? 'a name of a tag in capitals' : undefined
}

const isWithinDomain = (tags: Tags): boolean => {
  const identity = tags.get('i')?.toLowerCase()
  const domain = (tags.get('d') ?? '').toLowerCase()
  return identity === undefined || identity.endsWith(`@${domain}`) || identity.endsWith(`.${domain}`)
}

const isTime = (seconds: string | undefined): boolean => seconds === undefined || /^\d+$/.test(seconds)

const isInDns = (tags: Tags): boolean => {
  const methods = tags.get('q')?.split(':')
  return methods === undefined || methods.some((method) => method.trim().toLowerCase() === 'dns/txt')
}

const algorithmOf = (tags: Tags): { readonly type: string; readonly hash: string | undefined } => {
  const [type = '', ...hash] = (tags.get('a') ?? '').toLowerCase().split('-')
  return { type, hash: hash.length === 0 ? undefined : hash.join('-') }
}

const canonicalizationOf = (tags: Tags): { readonly header: string; readonly body: string } => {
  const [header = '', ...body] = withoutBlanks(tags.get('c')).toLowerCase().split('/')
  return { header: header || 'simple', body: body.length === 0 ? 'simple' : body.join('/') }
}

const withoutBlanks = (value = ''): string => value.replace(/\s+/g, '')
