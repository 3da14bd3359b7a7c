import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { SaslAuthority, SaslChannel, SaslMechanism } from '../../../core/kit/sasl/index.ts'
import { SaslError, saslServer, scramDecoy, scramSecret } from '../../../core/kit/sasl/index.ts'
import { saslprep } from '../../../core/kit/sasl/saslprep.ts'
import { scram } from '../../../core/kit/sasl/scram.ts'
import { boundBy, people } from '../../support/sasl.ts'
import { ScramClient, type ScramClientOptions } from '../../support/scram_client.ts'

const authority = people(['ann', 'secret'], ['a=b,c', 'secret'])

interface Attempt extends ScramClientOptions {
  readonly username?: string
  readonly password?: string
  readonly mechanism?: SaslMechanism
  readonly channel?: SaslChannel | null
  /** Changes what the client sends last. */
  readonly tamper?: (final: string) => string
  readonly authority?: SaslAuthority
}

/** A whole exchange: who has logged in, and whether the client has been shown that the server knows the password. */
const attempt = async ({ username = 'ann', password = 'secret', channel = null, ...rest }: Attempt = {}) => {
  const server = saslServer(rest.mechanism ?? 'SCRAM-SHA-256', rest.authority ?? authority, channel)
  const client = new ScramClient(username, password, rest)
  const send = async (text: string) => server.step(Buffer.from(text))
  const first = await send(client.first)
  if (!('challenge' in first)) return { username: first.username, trusted: false }
  const tamper = rest.tamper ?? ((final: string) => final)
  const verdict = await send(tamper(client.final(Buffer.from(first.challenge).toString())))
  if (!('challenge' in verdict)) return { username: verdict.username, trusted: false }
  const trusted = client.trusts(Buffer.from(verdict.challenge).toString())
  const last = await send('')
  return { username: 'username' in last ? last.username : undefined, trusted }
}

const refused = { name: 'SaslError', kind: 'refused' }
const malformed = { name: 'SaslError', kind: 'malformed', message: 'sasl: invalid response' }

test('the example of RFC 7677 comes out to the letter', async () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  const pencil = {
    scram: async (username: string) => {
      assert.equal(username, 'user')
      return { secret: scramSecret('pencil', { iterations: 4096, salt }), settle: async (proven: boolean) => proven }
    },
  }
  const exchange = scram(Buffer.from('n,,n=user,r=rOprNGfwEbeRWgbNEkqO'), pencil, null, {
    nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  })
  const nonce = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
  const first = await exchange.next()
  assert.equal(String(first.value), `${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`)
  const proof = 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='
  const verdict = await exchange.next(Buffer.from(`c=biws,${nonce},p=${proof}`))
  assert.equal(String(verdict.value), 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
  assert.deepEqual(await exchange.next(Buffer.alloc(0)), { value: 'user', done: true })
})

test('the right password is proven to the server, and the server to the client', async () => {
  assert.deepEqual(await attempt(), { username: 'ann', trusted: true })
})

test('without an initial response the client is asked for its first message', async () => {
  const server = saslServer('SCRAM-SHA-256', authority, null)
  assert.deepEqual(await server.step(null), { challenge: new Uint8Array() })
  assert.match(String(Reflect.get(await server.step(Buffer.from('n,,n=ann,r=x')), 'challenge')), /^r=x.{24},s=/)
})

test('a wrong password and a name that is not there end alike', async () => {
  assert.deepEqual(await attempt({ password: 'wrong' }), { username: null, trusted: false })
  assert.deepEqual(await attempt({ username: 'bob' }), { username: null, trusted: false })
})

test('a right proof lets nobody in whom the authority turns away', async () => {
  const stern = {
    ...authority,
    scram: async (name: string) => ({ ...(await authority.scram(name)), settle: async () => false }),
  }
  assert.deepEqual(await attempt({ authority: stern }), { username: null, trusted: false })
})

test('commas and equals signs in names are escaped', async () => {
  assert.deepEqual(await attempt({ username: 'a=b,c' }), { username: 'a=b,c', trusted: true })
})

test('the server adds its own part to the nonce, another each time', async () => {
  const nonces = await Promise.all(
    [1, 2].map(async () => {
      const step = await saslServer('SCRAM-SHA-256', authority, null).step(Buffer.from('n,,n=ann,r=mine'))
      return /^r=(mine[!-+\--~]{24}),/.exec(String(Reflect.get(step, 'challenge')))?.[1]
    }),
  )
  assert.ok(nonces[0] && nonces[1] && nonces[0] !== nonces[1])
})

test('what was overheard is of no use in another exchange', async () => {
  let overheard = ''
  const keep = (final: string) => {
    overheard = final
    return final
  }
  const nonce = 'the-same'
  assert.equal((await attempt({ nonce, tamper: keep })).username, 'ann')
  await assert.rejects(attempt({ nonce, tamper: () => overheard }), refused)
})

test('an authzid has to be the name itself', async () => {
  assert.equal((await attempt({ authzid: 'ann' })).username, 'ann')
  assert.equal((await attempt({ username: 'a=b,c', authzid: 'a=b,c' })).username, 'a=b,c')
  await assert.rejects(attempt({ authzid: 'bob' }), { name: 'SaslError', kind: 'authzid' })
})

const channel = boundBy('tls-exporter', 'what both ends know')
const bound = { mechanism: 'SCRAM-SHA-256-PLUS', flag: 'p=tls-exporter', channel } as const

test('SCRAM-SHA-256-PLUS ties the exchange to the connection', async () => {
  const binding = Buffer.from('what both ends know')
  assert.deepEqual(await attempt({ ...bound, binding }), { username: 'ann', trusted: true })
})

test('somebody in between, who has a connection to each side, cannot pass the exchange on', async () => {
  await assert.rejects(attempt({ ...bound, binding: Buffer.from('what one end knows') }), refused)
})

test('a channel binding is that of the mechanism', async () => {
  await assert.rejects(attempt({ flag: 'p=tls-exporter', channel }), refused)
  await assert.rejects(attempt({ ...bound, flag: 'n' }), refused)
  await assert.rejects(attempt({ ...bound, flag: 'y' }), refused)
})

test('a type of binding that the connection does not have is refused', async () => {
  await assert.rejects(attempt({ ...bound, flag: 'p=tls-unique' }), refused)
})

test('a client that was kept from seeing the stronger mechanism is refused', async () => {
  await assert.rejects(attempt({ flag: 'y', channel }), /hidden/)
  assert.equal((await attempt({ flag: 'y' })).username, 'ann')
})

test('the header of the first message is part of what is proven', async () => {
  const binding = (header: string) => Buffer.from(header).toString('base64')
  const tamper = (final: string) => final.replace(binding('n,,'), binding('y,,'))
  await assert.rejects(attempt({ tamper }), refused)
})

test('a message that was changed on its way is no proof', async () => {
  const tamper = (final: string) => final.replace(',p=', ',x=added,p=')
  assert.equal((await attempt({ tamper })).username, null)
})

for (const first of [
  '',
  'n',
  'n,,',
  'n,,n=ann',
  'n,,r=x,n=ann',
  'n,,n=,r=x',
  'n,,n=ann,r=',
  'n,,n=ann,r=x y',
  'n,,n=ann,r=x,',
  'n,,n=ann,r=x,y',
  'n,,n=a=b,r=x',
  'n,,n=ann=2c,r=x',
  'n,a=,n=ann,r=x',
  'n,ann,n=ann,r=x',
  'z,,n=ann,r=x',
  'p=,,n=ann,r=x',
  'n,,m=must,n=ann,r=x',
  'n,,n=ann\0,r=x',
]) {
  test(`${JSON.stringify(first)} is no first message`, async () => {
    await assert.rejects(saslServer('SCRAM-SHA-256', authority, null).step(Buffer.from(first)), malformed)
  })
}

for (const [title, tamper] of [
  ['empty', () => ''],
  ['without a proof', (final) => final.replace(/,p=.*/, '')],
  ['with a short proof', (final) => final.replace(/,p=.*/, ',p=AAAA')],
  ['with something after the proof', (final) => `${final},x=y`],
  ['with a binding that is no base64', (final) => final.replace('c=biws', 'c=!')],
  ['in another order', (final) => final.replace(/^(c=[^,]*),(r=[^,]*)/, '$2,$1')],
] as const satisfies readonly (readonly [string, (final: string) => string])[]) {
  test(`a last message ${title} is malformed`, async () => {
    await assert.rejects(attempt({ tamper }), malformed)
  })
}

test('the answer to the proof of the server is empty', async () => {
  const server = saslServer('SCRAM-SHA-256', authority, null)
  const client = new ScramClient('ann', 'secret')
  const first = await server.step(Buffer.from(client.first))
  await server.step(Buffer.from(client.final(String(Reflect.get(first, 'challenge')))))
  await assert.rejects(server.step(Buffer.from('thanks')), malformed)
})

test('random octets are refused, whichever message they stand for', async () => {
  const alphabet = Buffer.from('n,y,p=tls-exporter,a=n=r=c=biws,p==2C=3D\0\xff', 'latin1')
  for (let round = 0; round < 2_000; round++) {
    const noise = randomBytes(1 + (round % 60)).map((octet) => alphabet[octet % alphabet.length] ?? 0)
    const server = saslServer('SCRAM-SHA-256', authority, null)
    try {
      if (round % 2) await server.step(Buffer.from('n,,n=ann,r=x'))
      const step = await server.step(noise)
      assert.ok('challenge' in step, 'nobody logs in by noise')
    } catch (error) {
      assert.ok(error instanceof SaslError, String(error))
    }
  }
})

test('a long line of extensions is read in no time', async () => {
  const first = Buffer.from(`n,,n=ann,r=x${',x=y'.repeat(15_000)},`)
  const begin = performance.now()
  await assert.rejects(saslServer('SCRAM-SHA-256', authority, null).step(first), malformed)
  assert.ok(performance.now() - begin < 1_000)
})

test('what is shown for a name that is not there stays the same, and tells nothing', () => {
  const key = randomBytes(32)
  assert.deepEqual(scramDecoy(key, 'bob'), scramDecoy(key, 'bob'))
  assert.notDeepEqual(scramDecoy(key, 'bob').salt, scramDecoy(key, 'eve').salt)
  assert.notDeepEqual(scramDecoy(key, 'bob').salt, scramDecoy(randomBytes(32), 'bob').salt)
  const real = scramSecret('secret')
  const { iterations, salt } = scramDecoy(key, 'bob')
  assert.deepEqual([iterations, salt.length], [real.iterations, real.salt.length])
})

test('a password is hashed as SASLprep has it, so that it can be typed on any keyboard', () => {
  for (const [typed, prepared] of [
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['a\u00a0b', 'a b'],
    ['u\u0308', 'ü'],
  ] as const) {
    assert.equal(saslprep(typed), prepared)
  }
})
