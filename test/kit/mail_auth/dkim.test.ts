import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { zone } from '../../../core/kit/dns/memory.ts'
import type { Resolver } from '../../../core/kit/dns/resolver.ts'
import { verifyDkim } from '../../../core/kit/mail_auth/dkim.ts'
import { fileBody } from '../../../core/kit/message/index.ts'
import type { Body, Message } from '../../../core/kit/message/message.ts'
import { ed25519, ed25519Record, lines, messageOf, plainMessage, rsa, rsaRecord, signed, told } from './dkim_support.ts'

const dns = zone({
  'sel._domainkey.example.org': { TXT: [rsaRecord] },
  'ed._domainkey.example.org': { TXT: [ed25519Record] },
})

const verify = async (message: Message | string, resolver: Resolver = dns) =>
  await verifyDkim(typeof message === 'string' ? messageOf(message) : message, resolver, {
    requiredFields: ['From', 'Subject'],
    signal: AbortSignal.timeout(20_000),
  })

/** A body in chunks of these sizes, over and over. */
const inChunks = (message: Message, ...sizes: readonly number[]): Message => {
  const bytes = message.body.memory ?? new Uint8Array()
  const body: Body = {
    size: bytes.length,
    memory: undefined,
    async *read() {
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = sizes[turn % sizes.length] ?? bytes.length
        yield bytes.subarray(at, at + size)
        at += size
      }
    },
  }
  return { ...message, body }
}

const signedByMailauth = async (text: string, canonicalization: string): Promise<string> => {
  const privateKey = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const key = { signingDomain: 'example.org', selector: 'sel', privateKey }
  const { signatures } = await dkimSign(text, { ...key, canonicalization, signatureData: [key] })
  return signatures + text
}

test('a message without a signature has no results', async () => {
  assert.deepEqual(await verify(plainMessage), [])
})

test('each signature has its result, top to bottom, with its domain and its identity', async () => {
  const first = signed(plainMessage, { key: ed25519.privateKey, tags: { s: 'ed', i: 'ann@example.org' } })
  assert.deepEqual(await verify(signed(first, { tags: { d: 'example.net' } })), [
    {
      method: 'dkim',
      value: 'permerror',
      reason: 'no key for signature: no such name',
      properties: { 'header.d': 'example.net', 'header.i': '@example.net' },
    },
    {
      method: 'dkim',
      value: 'pass',
      properties: { 'header.d': 'example.org', 'header.i': 'ann@example.org' },
    },
  ])
})

test('a signature without a domain has a result without one', async () => {
  const [result] = await verify(signed(plainMessage, { tags: { d: null } }))
  assert.deepEqual(result?.properties, {})
})

test('a domain that is longer than domains are is left out of the result', async () => {
  const [result] = await verify(signed(plainMessage, { tags: { d: 'a'.repeat(400) } }))
  assert.equal(result?.value, 'permerror')
  assert.deepEqual(result?.properties, {})
})

test('signatures with the same key ask for it once', async () => {
  let asked = 0
  const counting: Resolver = {
    ...dns,
    txt: (name, signal) => {
      asked++
      return dns.txt(name, signal)
    },
  }
  assert.deepEqual(told(await verify(signed(signed(plainMessage)), counting)), ['pass', 'pass'])
  assert.equal(asked, 1)
})

test('a signature that fails does not harm one that passes', async () => {
  const text = signed(signed(plainMessage), { tags: { bh: 'AAAA' } })
  assert.deepEqual(told(await verify(text)), ['fail body hash did not verify', 'pass'])
})

test('a signature may cover another one', async () => {
  const covering = { tags: { h: 'From:Subject:DKIM-Signature' } }
  const inner = signed(plainMessage, { tags: { d: 'example.net' } })
  const [outer] = told(await verify(signed(inner, covering)))
  assert.equal(outer, 'pass')
  const [changed] = told(await verify(signed(inner, covering).replace('d=example.net', 'd=example.com')))
  assert.equal(changed, 'fail signature did not verify: bad signature')
})

for (const canonicalization of ['simple/simple', 'relaxed/simple', 'simple/relaxed', 'relaxed/relaxed']) {
  test(`${canonicalization}: the signature of a message passes however its body is cut into chunks`, async () => {
    const body = Array.from({ length: 3000 }, (_, n) => `line ${n}\t with  blanks \t${' '.repeat(n % 3)}`)
    const text = await signedByMailauth(
      lines('From: Ann <ann@example.org>', 'Subject:  a\tb ', ' c', '', ...body, '', ''),
      canonicalization,
    )
    for (const sizes of [[1, 2, 3, 5, 7, 11], [65536], [997], [100_000_000]]) {
      assert.deepEqual(told(await verify(inChunks(messageOf(text), ...sizes))), ['pass'], `chunks of ${sizes}`)
    }
  })
}

test('a body with lone LFs counts as one with CRLFs, however it is cut into chunks', async () => {
  const text = signed(plainMessage)
  const { header, body } = messageOf(text)
  const bare = messageOf(
    `X: y\r\n\r\n${Buffer.from(body.memory ?? [])
      .toString()
      .replaceAll('\r\n', '\n')}`,
  )
  for (const size of [1, 4, 100]) {
    assert.deepEqual(told(await verify(inChunks({ ...bare, header }, size))), ['pass'], `chunks of ${size}`)
  }
  assert.deepEqual(told(await verify(inChunks(messageOf(text), 1))), ['pass'])
})

test('an empty body can be signed', async () => {
  assert.deepEqual(told(await verify(signed(lines('From: a@example.org', 'Subject: x', '')))), ['pass'])
})

test('the body is read from where it was spooled to', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  try {
    const text = signed(`${plainMessage}${'Four it is.\r\n'.repeat(50_000)}`)
    const start = text.indexOf('\r\n\r\n') + 4
    await writeFile(join(folder, 'body'), text.slice(start))
    const body = fileBody(join(folder, 'body'), 0, text.length - start)
    assert.deepEqual(told(await verify({ ...messageOf(text), body })), ['pass'])
  } finally {
    await rm(folder, { recursive: true })
  }
})

const unreadable: Body = {
  size: 10,
  memory: undefined,
  // biome-ignore lint/correctness/useYield: it fails before there is anything
  async *read() {
    throw new Error('the disk is gone')
  },
}

test('a body that cannot be read makes verification fail, and no signature', async () => {
  await assert.rejects(verify({ ...messageOf(signed(plainMessage)), body: unreadable }), /the disk is gone/)
})

test('the body is not read when no signature can pass', async () => {
  const text = signed(signed(plainMessage, { tags: { s: 'gone' } }), { tags: { l: '3' } })
  const [insecure, keyless] = told(await verify({ ...messageOf(text), body: unreadable }))
  assert.equal(insecure, 'fail message contains an insecure body length tag')
  assert.equal(keyless, 'permerror no key for signature: no such name')
})

test('who gives up does not wait for DNS', async () => {
  const silent: Resolver = {
    ...dns,
    txt: (_name, signal) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  }
  const controller = new AbortController()
  const verifying = verifyDkim(messageOf(signed(plainMessage)), silent, { signal: controller.signal })
  controller.abort(new Error('enough'))
  await assert.rejects(verifying, /enough/)
})

test('who gives up does not wait for the end of a body', async () => {
  const controller = new AbortController()
  const endless: Body = {
    size: Number.MAX_SAFE_INTEGER,
    memory: undefined,
    async *read() {
      for (let read = 0; ; read++) {
        if (read === 3) controller.abort(new Error('enough'))
        yield Buffer.from('and on\r\n')
      }
    },
  }
  const message = { ...messageOf(signed(plainMessage)), body: endless }
  await assert.rejects(verifyDkim(message, dns, { signal: controller.signal }), /enough/)
})

test('a failure of the resolver that nobody foresaw is no verdict', async () => {
  const broken: Resolver = { ...dns, txt: async () => assert.fail('a defect') }
  await assert.rejects(verify(signed(plainMessage), broken), /a defect/)
})

test('of a hundred signatures the twenty on top are verified', async () => {
  let text = plainMessage
  for (let n = 0; n < 100; n++) text = signed(text, { tags: { x: '1' } })
  assert.equal((await verify(signed(text))).length, 20)
  assert.deepEqual(told(await verify(signed(text)))[0], 'pass')
})

test('of several signatures in a huge header only some are verified', async () => {
  let text = `X-Filler: ${'y'.repeat(1_000_000)}\r\n${plainMessage}`
  for (let n = 0; n < 10; n++) text = signed(text)
  assert.deepEqual(told(await verify(text)), ['pass', 'pass', 'pass', 'pass', 'pass'])
})

const impatient = { timeout: 20_000 }

test('a field of a hundred thousand lines takes no longer than its size deserves', impatient, async () => {
  const text = signed(plainMessage)
  assert.deepEqual(told(await verify(`X-Folded: a\r\n${' b\r\n'.repeat(100_000)}${text}`)), ['pass'])
})

test('a signature with a great many blanks is not read', impatient, async () => {
  const text = signed(plainMessage, { tags: { z: `${' '.repeat(30_000)}x` } })
  assert.deepEqual(told(await verify(text)), ['permerror malformed signature tags: too long, or too many blanks'])
})

test('a signature that is too long is not read', impatient, async () => {
  const text = signed(plainMessage, { tags: { z: 'x'.repeat(40_000) } })
  assert.deepEqual(told(await verify(text)), ['permerror malformed signature tags: too long, or too many blanks'])
})

test('a signature that lists a great many fields of a great many is not verified', impatient, async () => {
  const text = signed(plainMessage, { tags: { h: `From:Subject${':b'.repeat(10_000)}` } })
  const crowded = 'a:\r\n'.repeat(100_000) + text
  assert.deepEqual(told(await verify(crowded)), ['permerror too many signed header fields'])
})

test('a line of sixteen million characters takes no longer than its size deserves', impatient, async () => {
  const endless = lines('From: a@example.org', 'Subject: x', '', 'y'.repeat(16 * 1024 * 1024))
  const text = signed(endless, { tags: { c: 'relaxed/relaxed' } })
  assert.deepEqual(told(await verify(text)), ['pass'])
})
