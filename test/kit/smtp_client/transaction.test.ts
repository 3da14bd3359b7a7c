import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SmtpClientError } from '../../../core/kit/smtp/client/index.ts'
import { behaving, scripted } from './scripted.ts'
import { ann, bob, cid, connected, failureOf, messageOf, told } from './support.ts'

test('MAIL says what the server offers, in the order of maddy', async () => {
  await using server = await behaving({ offers: ['SIZE', '8BITMIME', 'SMTPUTF8', 'REQUIRETLS'] })
  await using client = await connected(server)
  await client.begin(ann, { smtputf8: true, requireTls: true, size: 1234 }).begun
  assert.equal(server.seen.at(-1), 'MAIL FROM:<ann@a.example> BODY=8BITMIME SIZE=1234 REQUIRETLS SMTPUTF8')
})

test('MAIL says nothing that the server does not offer', async () => {
  await using server = await behaving({ offers: ['HELP'] })
  await using client = await connected(server)
  await client.begin(ann, { smtputf8: true, size: 1234 }).begun
  assert.equal(server.seen.at(-1), 'MAIL FROM:<ann@a.example>')
})

test('a message that requires TLS does not go to a server without REQUIRETLS', async () => {
  await using server = await behaving()
  await using client = await connected(server)
  const error = await failureOf(client.begin(ann, { requireTls: true }).begun)
  assert.ok(error instanceof SmtpClientError)
  assert.equal(error.kind, 'unsupported')
  assert.deepEqual(server.seen, ['EHLO client.example'])
})

const idn = { local: 'ann', domain: 'bücher.example' }
const zoe = { local: 'zoë', domain: 'a.example' }

for (const { flag, offered, from, sent } of [
  { flag: true, offered: true, from: zoe, sent: 'MAIL FROM:<zoë@a.example> BODY=8BITMIME SMTPUTF8' },
  { flag: true, offered: true, from: idn, sent: 'MAIL FROM:<ann@bücher.example> BODY=8BITMIME SMTPUTF8' },
  { flag: true, offered: false, from: idn, sent: 'MAIL FROM:<ann@xn--bcher-kva.example> BODY=8BITMIME' },
  { flag: false, offered: true, from: idn, sent: 'MAIL FROM:<ann@xn--bcher-kva.example> BODY=8BITMIME' },
  { flag: true, offered: false, from: null, sent: 'MAIL FROM:<> BODY=8BITMIME' },
] as const) {
  const what = from === null ? 'the null sender' : `${from.local}@${from.domain}`
  test(`${what} ${flag ? 'with' : 'without'} SMTPUTF8, ${offered ? '' : 'not '}offered, goes as ${sent}`, async () => {
    await using server = await behaving({ offers: ['8BITMIME', ...(offered ? ['SMTPUTF8'] : [])] })
    await using client = await connected(server)
    await client.begin(from, { smtputf8: flag }).begun
    assert.equal(server.seen.at(-1), sent)
  })
}

test('a sender whose local part is not ASCII cannot go to a server without SMTPUTF8', async () => {
  await using server = await behaving()
  await using client = await connected(server)
  const error = await failureOf(client.begin(zoe, { smtputf8: true }).begun)
  assert.equal(told(error), '550 5.6.7 SMTPUTF8 is unsupported, cannot convert sender address')
  assert.deepEqual(server.seen, ['EHLO client.example'])
})

test('a recipient that cannot go to a server without SMTPUTF8 is refused, and the others stand', async () => {
  await using server = await behaving()
  await using client = await connected(server)
  const transaction = client.begin(ann, { smtputf8: true })
  const error = await failureOf(transaction.recipient(zoe))
  assert.equal(told(error), '553 5.6.7 SMTPUTF8 is unsupported, cannot convert recipient address')
  await transaction.recipient(idn)
  assert.equal(server.seen.at(-1), 'RCPT TO:<ann@xn--bcher-kva.example>')
  await transaction.message(messageOf())
  assert.equal(server.contents.length, 1)
})

test('recipients go unchanged where SMTPUTF8 was said', async () => {
  await using server = await behaving({ offers: ['SMTPUTF8'] })
  await using client = await connected(server)
  await client.begin(ann, { smtputf8: true }).recipient({ local: 'zoë', domain: 'bücher.example' })
  assert.equal(server.seen.at(-1), 'RCPT TO:<zoë@bücher.example>')
})

for (const [what, address] of [
  ['a line break in the local part', { local: 'a\r\nRSET', domain: 'b.example' }],
  ['a line break in the domain', { local: 'a', domain: 'b.example>\r\nRSET' }],
  ['a blank in the domain', { local: 'a', domain: 'b.example> SIZE=1' }],
  ['a NUL', { local: 'a\0', domain: 'b.example' }],
] as const) {
  test(`an address with ${what} never reaches the wire`, async () => {
    await using server = await behaving()
    await using client = await connected(server)
    assert.match(told(await failureOf(client.begin(address).begun)), /^501 5\.1\.7 /)
    const transaction = client.begin(ann)
    assert.match(told(await failureOf(transaction.recipient(address))), /^553 5\.1\.3 /)
    await transaction.recipient(bob)
    assert.deepEqual(server.seen.slice(1), ['MAIL FROM:<ann@a.example> BODY=8BITMIME', 'RCPT TO:<bob@b.example>'])
  })
}

test('brackets and blanks in a local part are quoted, and so no end of the path', async () => {
  await using server = await behaving()
  await using client = await connected(server)
  await client.begin(ann).recipient({ local: 'a> b"c', domain: 'b.example' })
  assert.equal(server.seen.at(-1), 'RCPT TO:<"a> b\\"c"@b.example>')
})

test('postmaster goes without a domain', async () => {
  await using server = await behaving()
  await using client = await connected(server)
  await client.begin(ann).recipient({ local: 'postmaster', domain: '' })
  assert.equal(server.seen.at(-1), 'RCPT TO:<postmaster>')
})

test('each recipient hears its own reply', async () => {
  await using server = await behaving({
    replies: { 'RCPT TO:<bob@b.example>': '550 5.1.2 Hey', 'RCPT TO:<cid@b.example>': '251 will forward' },
  })
  await using client = await connected(server)
  const transaction = client.begin(ann)
  assert.equal(told(await failureOf(transaction.recipient(bob))), '550 5.1.2 Hey')
  await transaction.recipient(cid)
})

test('a recipient that is named twice is said once', async () => {
  await using server = await behaving({ replies: { 'RCPT TO:<bob@b.example>': '550 5.1.1 No' } })
  await using client = await connected(server)
  const transaction = client.begin(ann)
  await transaction.recipient(cid)
  await transaction.recipient({ ...cid })
  for (let i = 0; i < 2; i++) assert.equal(told(await failureOf(transaction.recipient(bob))), '550 5.1.1 No')
  assert.equal(server.seen.filter((line) => line.startsWith('RCPT')).length, 2)
})

test('with PIPELINING, commands that are given together leave together, and each has its own reply', async () => {
  const packets: string[] = []
  await using server = await scripted(async (peer) => {
    peer.say('220 hello')
    await peer.line()
    peer.say('250-hello', '250 PIPELINING')
    await peer.arrived('MAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@b.example>\r\nRCPT TO:<cid@b.example>\r\n'.length)
    packets.push(peer.ahead)
    for (const reply of ['250 ok', '550 5.1.1 Bob', '250 ok']) {
      await peer.line()
      peer.say(reply)
    }
    await peer.gone()
  })
  const client = await connected(server)
  const transaction = client.begin(ann)
  const outcomes = await Promise.allSettled([transaction.recipient(bob), transaction.recipient(cid)])
  assert.deepEqual(packets, ['MAIL FROM:<ann@a.example>\r\nRCPT TO:<bob@b.example>\r\nRCPT TO:<cid@b.example>\r\n'])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  )
  client.destroy()
})

test('without PIPELINING each command waits for the reply to the one before', async () => {
  await using server = await scripted(async (peer) => {
    peer.say('220 hello')
    await peer.line()
    peer.say('250 hello')
    for (let i = 0; i < 3; i++) {
      await peer.line()
      assert.equal(peer.ahead, '')
      // Whatever is sent too early is there after another turn of both ends' loops.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      assert.equal(peer.ahead, '')
      peer.say('250 ok')
    }
    await peer.gone()
  })
  const client = await connected(server)
  const transaction = client.begin(ann)
  await Promise.all([transaction.recipient(bob), transaction.recipient(cid)])
  client.destroy()
})

test('replies that come all at once are matched in their order', async () => {
  await using server = await scripted(async (peer) => {
    peer.say('220 hello')
    await peer.line()
    peer.say('250-hello', '250 PIPELINING')
    for (let i = 0; i < 4; i++) await peer.line()
    peer.say('250 ok', '250 ok', '550-5.1.1 No', '550 5.1.1 really', '250 ok')
    await peer.gone()
  })
  const client = await connected(server)
  const transaction = client.begin(ann)
  const outcomes = await Promise.allSettled(
    [bob, cid, ann].map((to) => transaction.recipient(to).catch((error) => Promise.reject(told(error)))),
  )
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : 'ok')),
    ['ok', '550 5.1.1 No really', 'ok'],
  )
  client.destroy()
})

test('a sender that is refused is what each recipient hears of, and none is named after that', async () => {
  await using server = await behaving({
    offers: ['PIPELINING'],
    replies: { MAIL: '451 4.7.1 Later', RCPT: '503 5.5.1 MAIL first' },
  })
  await using client = await connected(server)
  const transaction = client.begin(ann)
  assert.equal(told(await failureOf(transaction.recipient(bob))), '451 4.7.1 Later')
  assert.equal(told(await failureOf(transaction.recipient(cid))), '451 4.7.1 Later')
  assert.deepEqual(server.seen.slice(1), ['MAIL FROM:<ann@a.example>', 'RCPT TO:<bob@b.example>'])
  assert.deepEqual(await transaction.message(messageOf()), new Map())
})

test('a positive reply of the wrong kind ends the conversation', async () => {
  await using server = await behaving({ replies: { MAIL: '354 go on' } })
  const client = await connected(server)
  assert.equal(told(await failureOf(client.begin(ann).begun)), '451 4.3.0 Internal server error')
  assert.equal(client.open, false)
})

test('a connection can be used for another message', async () => {
  await using server = await behaving()
  await using client = await connected(server)
  for (const body of ['one\r\n', 'two\r\n']) {
    const transaction = client.begin(ann)
    await transaction.recipient(bob)
    await transaction.message(messageOf(body))
    await client.reset()
    assert.ok(client.open)
  }
  assert.equal(server.connections.length, 1)
  assert.deepEqual(server.contents, ['Subject: x\r\n\r\none\r\n', 'Subject: x\r\n\r\ntwo\r\n'])
})
