import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientTls } from '../../../core/kit/tls/index.ts'
import { serve, tlsOptions } from '../smtp/recorder.ts'
import { ann, bob, connected, failureOf, messageOf, told } from './support.ts'

test('our own server takes what our client sends, by chunks', async () => {
  await using server = await serve()
  const lines: string[] = []
  await using client = await connected(server, { trace: (line) => lines.push(line) })
  const transaction = client.begin(ann, { size: 100, smtputf8: true })
  await Promise.all([transaction.recipient(bob), transaction.recipient({ local: 'zoë', domain: 'bücher.example' })])
  await transaction.message(messageOf('.\r\n.a\nb'))
  assert.deepEqual(server.recorder.messages, [
    {
      from: 'ann@a.example',
      to: ['bob@b.example', 'zoë@bücher.example'],
      content: 'Subject: x\r\n\r\n.\r\n.a\r\nb\r\n',
    },
  ])
  assert.ok(lines.some((line) => line.startsWith('C: BDAT')))
  assert.equal(server.recorder.parameters?.size, 100)
})

test('our own server tells of each recipient over LMTP', async () => {
  await using server = await serve({ protocol: 'lmtp' })
  await using client = await connected(server, { protocol: 'lmtp' })
  const late = { local: 'late', domain: 'b.example' }
  const transaction = client.begin(null)
  await transaction.recipient(bob)
  await transaction.recipient(late)
  assert.equal(told(await failureOf(transaction.recipient({ local: '550', domain: 'b.example' }))), '550 5.7.1 No')
  const failed = await transaction.message(messageOf())
  assert.deepEqual([...failed.keys()], [late])
  assert.equal(told(failed.get(late)), '550 5.2.0 <late@b.example> Too late')
})

test('our own server speaks TLS with our client, and lets it log in', async () => {
  await using server = await serve(await tlsOptions())
  await using client = await connected(server)
  await client.startTls({ ...new ClientTls({}).options('localhost'), rejectUnauthorized: false })
  await client.authenticate({ mechanism: 'PLAIN', username: 'ann', password: 'secret' })
  const transaction = client.begin(ann, { requireTls: true })
  await transaction.recipient(bob)
  await transaction.message(messageOf())
  assert.ok(server.recorder.parameters?.requireTls)
  assert.ok(server.recorder.events.includes('authenticated ann'))
})

test('a message of 20 MB arrives whole', async () => {
  await using server = await serve()
  await using client = await connected(server)
  const body = `${'.'.repeat(70)}\r\n`.repeat(290_000)
  const transaction = client.begin(ann)
  await transaction.recipient(bob)
  await transaction.message(messageOf(body))
  assert.equal(server.recorder.messages[0]?.content, `Subject: x\r\n\r\n${body}`)
})
