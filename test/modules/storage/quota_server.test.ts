import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accounts, Quotas } from '../../../core/index.ts'
import { serve } from '../../support/server.ts'
import { dial } from '../../support/wire.ts'

const conf = `hostname mx.x.org
tls off
storage.imapsql local_mailboxes {
  driver sqlite3
  dsn imapsql.db
  msg_store sql
}
smtp tcp://127.0.0.1:0 {
  deliver_to &local_mailboxes
}
lmtp tcp://127.0.0.1:0 {
  deliver_to &local_mailboxes
}`

/** A server with mail for `full@x.org`, which has room for 600 bytes, and `free@x.org`, which has no limit. */
const server = async () => {
  await using stack = new AsyncDisposableStack()
  const running = stack.use(await serve(conf))
  const accounts = await running.find('local_mailboxes', Accounts)
  const quotas = await running.find('local_mailboxes', Quotas)
  for (const name of ['full@x.org', 'free@x.org']) await accounts.create(name, [])
  await quotas.setDomainLimit('x.org', 600)
  await quotas.setLimit('free@x.org', 0)
  const held = stack.move()
  return {
    quotas,
    log: () => running.log(),
    used: async (name: string) => (await quotas.usage(name))?.usedBytes,
    messages: async (name: string) => (await (await accounts.find(name))?.status('INBOX'))?.messages,
    async client(protocol: 'smtp' | 'lmtp', recipients: readonly string[]) {
      const client = await dial(running.port(protocol))
      await client.expect('220 *')
      await client.command(protocol === 'smtp' ? 'EHLO a.example' : 'LHLO a.example', '250 *')
      await client.command('MAIL FROM:<a@b.example>', '250 *')
      for (const to of recipients) await client.command(`RCPT TO:<${to}>`, '250 *')
      return client
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

const content = (size: number) => `Subject: x\r\n\r\n${'y'.repeat(size)}\r\n.\r\n`

test('50 RCPT of an account over its limit is answered 552 5.2.2, and other recipients go on', async () => {
  await using here = await server()
  {
    await using client = await here.client('smtp', ['full@x.org'])
    await client.command('DATA', '354 *')
    client.send(content(20))
    await client.expect('250 *')
  }
  await here.quotas.setDomainLimit('x.org', 10)
  for (const protocol of ['smtp', 'lmtp'] as const) {
    await using client = await here.client(protocol, ['free@x.org'])
    await client.command('RCPT TO:<Full@X.ORG>', '552 5.2.2 Mailbox quota exceeded (msg ID = *)')
    await client.command('DATA', '354 *')
    client.send(content(1000))
    await client.expect('250 *')
  }
  assert.deepEqual([await here.messages('full@x.org'), await here.messages('free@x.org')], [1, 2])
})

test('over SMTP a message too large for one of its recipients is refused for all: 552 5.2.2', async () => {
  await using here = await server()
  await using client = await here.client('smtp', ['free@x.org', 'full@x.org'])
  await client.command('DATA', '354 *')
  client.send(content(1000))
  await client.expect('552 5.2.2 Mailbox quota exceeded (msg ID = *)')
  assert.deepEqual([await here.used('full@x.org'), await here.used('free@x.org')], [0, 0])
  assert.match(await here.log(), /DATA error.*552/s)
})

test('over LMTP it is refused for that one alone', async () => {
  await using here = await server()
  await using client = await here.client('lmtp', ['full@x.org', 'free@x.org', 'FULL@x.org'])
  await client.command('DATA', '354 *')
  client.send(content(1000))
  await client.expect('552 5.2.2 <full@x.org> Mailbox quota exceeded (msg ID = *)')
  await client.expect('250 2.0.0 <free@x.org> *')
  await client.expect('552 5.2.2 <FULL@x.org> Mailbox quota exceeded (msg ID = *)')
  assert.deepEqual([await here.messages('full@x.org'), await here.messages('free@x.org')], [0, 1])
})

test('over LMTP a message too large for all is refused for each', async () => {
  await using here = await server()
  await here.quotas.setLimit('free@x.org', 5)
  await using client = await here.client('lmtp', ['full@x.org', 'free@x.org'])
  await client.command('DATA', '354 *')
  client.send(content(1000))
  await client.expect('552 5.2.2 <full@x.org> *')
  await client.expect('552 5.2.2 <free@x.org> *')
  assert.deepEqual([await here.used('full@x.org'), await here.used('free@x.org')], [0, 0])
})

test('what came over many connections at once never exceeds the limit', async () => {
  await using here = await server()
  await here.quotas.setLimit('full@x.org', 3000)
  const codes = await Promise.all(
    Array.from({ length: 20 }, async () => {
      await using client = await here.client('smtp', ['full@x.org'])
      await client.command('DATA', '354 *')
      client.send(content(500))
      return (await client.line()).slice(0, 9)
    }),
  )
  const accepted = codes.filter((code) => code.startsWith('250')).length
  const used = (await here.used('full@x.org')) ?? 0
  assert.equal(await here.messages('full@x.org'), accepted)
  assert.equal(accepted, Math.floor(3000 / (used / accepted)))
  assert.ok(accepted > 2 && accepted < 6, String(accepted))
  assert.deepEqual([...new Set(codes)].sort(), ['250 2.0.0', '552 5.2.2'])
})
