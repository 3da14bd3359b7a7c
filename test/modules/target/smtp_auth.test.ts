import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Target } from '../../../core/index.ts'
import { hashNow } from '../../../core/kit/password/format.ts'
import { withPassword } from '../../../core/kit/smtp/envelope.ts'
import { behaving } from '../../kit/smtp_client/scripted.ts'
import { told } from '../../kit/smtp_client/support.ts'
import { instance, serve, type TestServer } from '../../support/server.ts'
import { sampleEnvelope } from '../../support/target.ts'
import { dial, type WireClient } from '../../support/wire.ts'
import { relaying } from './support.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

for (const [auth, expected] of [
  ['off', undefined],
  ['plain ann sécret', `AUTH PLAIN ${base64('\0ann\0sécret')}`],
  ['plain "ann b" "c d"', `AUTH PLAIN ${base64('\0ann b\0c d')}`],
  ['login ann secret', `AUTH LOGIN ${base64('ann')}`],
  ['external', 'AUTH EXTERNAL ='],
] as const) {
  test(`auth ${auth} says ${expected ?? 'nothing'}`, async () => {
    await using next = await behaving()
    await using relay = await relaying(`smtp tcp://127.0.0.1:${next.port} {\nstarttls no\nauth ${auth}\n}`)
    await relay.send()
    assert.equal(
      next.seen.find((line) => line.startsWith('AUTH')),
      expected,
    )
    assert.equal(next.contents.length, 1)
    assert.doesNotMatch(await relay.server.log(), /s[eé]cret/)
  })
}

test('a login that the next server refuses is what the client hears', async () => {
  await using next = await behaving({ replies: { AUTH: '535 5.7.8 Who are you?' } })
  await using relay = await relaying(`smtp tcp://127.0.0.1:${next.port} {\nstarttls no\nauth plain a b\n}`)
  assert.deepEqual(await relay.send(), ['535 5.7.8 Who are you?'])
  await next.closed()
  assert.equal(next.seen.at(-1), 'QUIT')
})

/** A submission server that passes on the credentials of whoever sends. */
const forwarding = async (port: number) => {
  const server = await serve(`
    hostname mx.test
    tls off
    auth.pass_table users {
      table static {
        entry ann@from.example ${hashNow('sécret', { hash: 'scram-sha-256', scramIterations: 4096 })}
      }
      scram yes
    }
    smtp tcp://127.0.0.1:0 {
      auth &users
      sasl_login yes
      deliver_to smtp tcp://127.0.0.1:${port} {
        starttls no
        auth forward
      }
    }`)
  return server
}

const greeted = async (server: TestServer): Promise<WireClient> => {
  const client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  return client
}

for (const [mechanism, login] of [
  ['PLAIN', (client: WireClient) => client.command(`AUTH PLAIN ${base64('\0ann@from.example\0sécret')}`, '235 *')],
  [
    'LOGIN',
    async (client: WireClient) => {
      await client.command(`AUTH LOGIN ${base64('ann@from.example')}`, '334 *')
      await client.command(base64('sécret'), '235 *')
    },
  ],
] as const) {
  test(`auth forward logs in as who has logged in by ${mechanism}, and leaves the password nowhere`, async () => {
    await using next = await behaving()
    await using server = await forwarding(next.port)
    await using client = await greeted(server)
    await login(client)
    await client.command('MAIL FROM:<ann@from.example>', '250 *')
    await client.command('RCPT TO:<b@to.example>', '250 *')
    await client.command('DATA', '354 *')
    await client.command('Subject: x\r\n\r\nhello\r\n.', '250 *')
    assert.equal(next.seen[1], `AUTH PLAIN ${base64('\0ann@from.example\0sécret')}`)
    const log = await server.log()
    for (const text of ['sécret', base64('sécret'), base64('\0ann@from.example\0sécret')]) {
      assert.ok(!log.includes(text))
    }
  })
}

test('auth forward has nothing to forward of who has not logged in', async () => {
  await using next = await behaving()
  await using server = await forwarding(next.port)
  await using client = await greeted(server)
  await client.command('MAIL FROM:<ann@from.example>', '250 *')
  await client.command('RCPT TO:<b@to.example>', '530 5.7.0 Authentication is required (msg ID = *')
  assert.equal(next.connections.length, 0)
})

test('auth forward cannot forward a message that has lost its password on the way', async () => {
  await using next = await behaving()
  const conf = `target.smtp relay {
    targets tcp://127.0.0.1:${next.port}
    hostname mx.test
    starttls no
    auth forward
  }`
  await using relay = await instance(Target, conf)
  const sample = sampleEnvelope('ann@from.example')
  const envelope = { ...sample, origin: withPassword({ ...sample.origin, user: 'ann' }, 'secret') }
  await using delivery = await relay.api.begin(envelope)
  await delivery.recipient({ local: 'b', domain: 'to.example' })
  assert.equal(next.seen[1], `AUTH PLAIN ${base64('\0ann\0secret')}`)
  const queued = JSON.parse(JSON.stringify(envelope))
  const error = await relay.api.begin(queued).then(
    () => undefined,
    (reason) => reason,
  )
  assert.equal(told(error), '530 5.7.0 Authentication is required')
})
