import { sign } from 'node:crypto'
import { sealMessage } from 'mailauth/lib/arc/index.js'
import { bodyHash, relaxed, rsa } from './dkim_support.ts'

const privateKey = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

export interface Seal {
  readonly domain?: string
  readonly selector?: string
  /** By default what an honest sealer would say: none for the first, pass for any other. */
  readonly cv?: string
  readonly instance?: number
  /** What the sealer found, behind its name. */
  readonly found?: string
}

/** The message with one more set on top, by mailauth. */
export const sealed = async (text: string, seal: Seal = {}): Promise<string> => {
  const { domain = 'list.example', selector = 'arc', cv, instance, found = 'spf=pass' } = seal
  const first = !/^ARC-Seal:/m.test(text)
  const set = await sealMessage(text, {
    signingDomain: domain,
    selector,
    privateKey,
    authResults: `mx.${domain}; ${found}`,
    cv: (cv ?? (first ? 'none' : 'pass')) as 'none',
    ...(instance !== undefined && { i: instance }),
  })
  if (set.length === 0) throw new Error('mailauth did not seal')
  return set.toString() + text
}

/** The three fields of the set on top, and what is below. */
export const parts = (text: string): { readonly set: readonly string[]; readonly rest: string } => {
  const set = text.match(/^[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*/gm)?.slice(0, 3) ?? []
  return { set, rest: text.slice(set.join('').length) }
}

type Tags = Readonly<Record<string, string>>

const list = (tags: Tags): string =>
  Object.entries(tags)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')

const signature = (...fields: readonly string[]): string =>
  sign('sha256', Buffer.from(fields.map(relaxed).join('\r\n')), rsa.privateKey).toString('base64')

/** The message with a first set on top whose tags may be as odd as a test wants them, and which is signed all the same. */
export const sealedByHand = (
  text: string,
  { message = {}, seal = {} }: { message?: Tags; seal?: Tags } = {},
): string => {
  const [header = '', body = ''] = text.split(/\r\n\r\n(.*)/s)
  const common = { i: '1', a: 'rsa-sha256', d: 'list.example', s: 'arc' }
  const tags: Tags = { ...common, c: 'relaxed/simple', h: 'From:Subject', bh: bodyHash(body, 'sha256'), ...message }
  const rows = header.split('\r\n')
  const covered = (tags.h ?? '').split(':').map((name) => rows.find((row) => row.startsWith(`${name}:`)) ?? '')
  const unsigned = `ARC-Message-Signature: ${list(tags)}; b=`
  const signedMessage = unsigned + signature(...covered, unsigned)
  const results = 'ARC-Authentication-Results: i=1; mx.list.example; spf=pass'
  const unsealed = `ARC-Seal: ${list({ ...common, cv: 'none', ...seal })}; b=`
  const sealedSet = unsealed + signature(results, signedMessage, unsealed)
  return `${sealedSet}\r\n${signedMessage}\r\n${results}\r\n${text}`
}
