import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { generateKey, type SigningKey, type SignOptions, signMessage } from '../../../core/kit/dkim/index.ts'
import { memoryBody, parseHeader } from '../../../core/kit/message/index.ts'

let rsa: SigningKey
let ed: SigningKey

before(async () => {
  rsa = await generateKey('rsa2048')
  ed = await generateKey('ed25519')
})

const options = (more: Partial<SignOptions> = {}): SignOptions => ({
  domain: 'a.example',
  selector: 'sel',
  key: ed,
  fields: { oversign: ['Subject', 'From'], sign: ['List-Id'] },
  header: 'relaxed',
  body: 'relaxed',
  expiry: 0,
  ...more,
})

const sign = (header: string, more?: Partial<SignOptions>, body = 'x\r\n'): Promise<string> =>
  signMessage({ header: parseHeader(Buffer.from(header)), body: memoryBody(Buffer.from(body)) }, options(more))

/** The tags of a field, in their order, without the white space of folding. */
const tagsOf = (field: string): [name: string, value: string][] => {
  assert.match(field, /^DKIM-Signature: .*\r\n$/s)
  const value = field.slice('DKIM-Signature:'.length, -2)
  return value.split(';').map((tag) => {
    const [name = '', ...rest] = tag.split('=')
    return [name.trim(), rest.join('=').replace(/\s/g, '')]
  })
}

test('a signature has the tags that maddy has, in their order', async () => {
  const tags = tagsOf(await sign('From: a\r\nSubject: x\r\n', { at: 1_700_000_000_999, expiry: 432_000_000 }))
  assert.deepEqual(
    tags.map(([name]) => name),
    ['v', 'a', 'bh', 'c', 'd', 'h', 'i', 's', 't', 'x', 'b'],
  )
  const { b: signature, bh, ...others } = Object.fromEntries(tags)
  assert.equal(Buffer.from(signature ?? '', 'base64').length, 64)
  assert.equal(Buffer.from(bh ?? '', 'base64').length, 32)
  assert.deepEqual(others, {
    v: '1',
    a: 'ed25519-sha256',
    c: 'relaxed/relaxed',
    d: 'a.example',
    h: 'Subject:Subject:From:From',
    i: '@a.example',
    s: 'sel',
    t: '1700000000',
    x: '1700432000',
  })
})

test('a signature that does not expire has no x', async () => {
  assert.ok(!tagsOf(await sign('From: a\r\n')).some(([name]) => name === 'x'))
})

test('an expiry of less than a second is still later than the signature', async () => {
  const tags = Object.fromEntries(tagsOf(await sign('From: a\r\n', { at: 5_000, expiry: 1 })))
  assert.equal(tags.x, '6')
})

test('the algorithm follows the key, and c the canonicalizations', async () => {
  const tags = Object.fromEntries(tagsOf(await sign('From: a\r\n', { key: rsa, header: 'simple', body: 'relaxed' })))
  assert.equal(tags.a, 'rsa-sha256')
  assert.equal(tags.c, 'simple/relaxed')
  assert.equal(Buffer.from(tags.b ?? '', 'base64').length, 256)
})

const named = async (
  header: string,
  oversign: readonly string[],
  sign_: readonly string[],
): Promise<string | undefined> =>
  Object.fromEntries(tagsOf(await sign(header, { fields: { oversign, sign: sign_ } }))).h

test('a field to be oversigned is named once more than it occurs', async () => {
  assert.equal(
    await named('From: a\r\nSubject: 1\r\nSUBJECT: 2\r\n', ['Subject', 'To', 'From'], []),
    'Subject:Subject:Subject:To:From:From',
  )
})

test('a field to be signed is named as often as it occurs', async () => {
  assert.equal(
    await named('List-Id: 1\r\nFrom: a\r\nList-Id: 2\r\n', [], ['List-Id', 'List-Help', 'From']),
    'List-Id:List-Id:From',
  )
})

test('a field that is listed several times counts once, oversigned first', async () => {
  assert.equal(await named('From: a\r\nTo: b\r\n', ['From', 'FROM'], ['to', 'from', 'To']), 'From:From:to')
})

test('From is named even where the message has none', async () => {
  assert.equal(await named('To: b\r\n', [], ['From', 'To']), 'From:To')
})

test('no line is longer than needs be', async () => {
  const oversign = Array.from({ length: 40 }, (_, index) => `Field-${'x'.repeat(index)}`)
  const field = await sign('From: a\r\n', { key: rsa, fields: { oversign, sign: ['From'] } })
  for (const line of field.split('\r\n')) assert.ok(line.length <= 78, line)
  assert.match(field, /^DKIM-Signature: (.+\r\n )+[^\r\n]+\r\n$/)
})

test('a domain of the message in U-labels is written as UTF-8', async () => {
  const field = await sign('From: a\r\n', { domain: 'bücher.example' })
  assert.match(field, /d=bücher\.example;/)
})

test('what a name that is longer than a line breaks is only the line', async () => {
  const domain = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`
  assert.equal(Object.fromEntries(tagsOf(await sign('From: a\r\n', { domain }))).d, domain)
})

test('a large body is read once and in chunks, never as a whole', async () => {
  const chunk = Buffer.from('A line of a body that is in a file \r\n'.repeat(1000))
  let reads = 0
  const body = {
    size: chunk.length * 100,
    get memory(): Uint8Array {
      throw new Error('nobody needs it as a whole')
    },
    async *read(): AsyncGenerator<Uint8Array> {
      reads++
      for (let count = 0; count < 100; count++) yield chunk
    },
  }
  const field = await signMessage({ header: parseHeader(Buffer.from('From: a\r\n')), body }, options())
  const whole = await sign('From: a\r\n', {}, chunk.toString().repeat(100))
  assert.equal(Object.fromEntries(tagsOf(field)).bh, Object.fromEntries(tagsOf(whole)).bh)
  assert.equal(reads, 1)
})

test('a body that cannot be read signs nothing', async () => {
  const body = {
    size: 1,
    memory: undefined,
    // biome-ignore lint/correctness/useYield: it fails before it has anything
    async *read(): AsyncGenerator<Uint8Array> {
      throw new Error('the disk is gone')
    },
  }
  const header = parseHeader(Buffer.from('From: a\r\n'))
  await assert.rejects(signMessage({ header, body }, options()), /the disk is gone/)
})
