import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpoint, sendMessage, type TestEndpoint } from '../smtp/harness.ts'

const ann = {
  verify: async (username: string, password: string) => {
    if (password === 'outage') throw new Error('no connection')
    return username === 'ann@h.example' && password === 'secret'
  },
}
const instances = { ann, nobody: { lookup: async () => [] } }
const submission = (more = 'auth &ann') =>
  `submission tcp://127.0.0.1:0 {\nhostname mx.bücher.example\ntls off\n${more}\n}`
const plain = (text: string) => `AUTH PLAIN ${Buffer.from(text).toString('base64')}`
const login = plain('\0ann@h.example\0secret')

const loggedIn = async (server: TestEndpoint) => {
  const client = await server.greeted()
  await client.command(login, '235 2.0.0 *')
  return client
}

test('B1 without auth it is no configuration', async () => {
  await assert.rejects(endpoint(submission('')), { name: 'ConfigError' })
})

test('B2 MAIL needs a login', async () => {
  await using server = await endpoint(submission(), { instances })
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '502 5.7.0 Please authenticate first')
})

test('B3 a wrong password may be followed by the right one, and is logged', async () => {
  await using server = await endpoint(submission(), { instances })
  await using client = await server.greeted()
  await client.command(plain('\0ann@h.example\0wrong'), '535 5.7.8 Invalid credentials')
  await client.command(login, '235 *')
  const [failure, ...more] = server.logged('authentication failed')
  assert.deepEqual(more, [])
  assert.match(String(failure?.src_ip), /^127\.0\.0\.1:\d+$/)
  assert.equal(failure?.username, 'ann@h.example')
})

test('B4 nobody may act as somebody else, which is logged', async () => {
  await using server = await endpoint(submission(), { instances })
  await using client = await server.greeted()
  await client.command(plain('bob\0ann@h.example\0secret'), '535 5.7.8 *')
  assert.equal(server.logged('authentication failed').length, 1)
})

test('an outage is no wrong password', async () => {
  await using server = await endpoint(submission(), { instances })
  await using client = await server.greeted()
  await client.command(plain('\0ann@h.example\0outage'), '454 4.7.0 Temporary authentication failure')
})

test('B5 Message-ID and Date are added', async () => {
  await using server = await endpoint(submission(), { instances })
  await using client = await loggedIn(server)
  await sendMessage(client, 'From: <ann@h.example>\r\n\r\n', '250 *')
  const { header = '' } = server.box.delivered[0] ?? {}
  assert.match(header, /^Message-Id: <[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}@mx\.xn--bcher-kva\.example>\r$/m)
  assert.match(header, /^Date: \w{3}, \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r$/m)
})

test('B6 and left as they are when they are there', async () => {
  await using server = await endpoint(submission(), { instances })
  await using client = await loggedIn(server)
  const header = 'From: a@h.example\r\nMessage-ID: <x@y>\r\nDate: Tue, 3 Mar 2026 08:05:00 +0000\r\n'
  await sendMessage(client, `${header}\r\n`, '250 *')
  assert.ok(server.box.delivered[0]?.header.endsWith(`\r\n${header}`))
  assert.doesNotMatch(server.box.delivered[0]?.header ?? '', /Message-Id/)
})

for (const [id, header, reply] of [
  ['B7', 'To: <a@h.example>', '554 5.6.0 Message does not contains a From header field (msg ID = *)'],
  ['B8', 'From: a@h.example, b@h.example', '554 5.6.0 Missing Sender header field (msg ID = *)'],
  ['B8', 'From: a@h.example, b@h.example\r\nSender: a@h.example', '250 *'],
  ['B9', 'From: a@h.example\r\nSender: a@h.example, b@h.example', '554 5.6.0 Invalid address in Sender (msg ID = *)'],
  ['B10', 'From: a@h.example\r\nCc: undisclosed:;', '250 *'],
  ['B11', 'From: a@h.example\r\nReply-To: nobody here', '554 5.6.0 Invalid address in Reply-To (msg ID = *)'],
  ['B12', 'From: a@h.example\r\nDate: yesterday', '554 5.0.0 Malformed Date header (msg ID = *)'],
  ['B13', 'From: a@h.example\r\nDate: 3 Mar 26 08:05 +0100 (CET)', '250 *'],
  ['B15', 'From: a@h.example\r\nBcc: c@h.example', '250 *'],
] as const) {
  test(`${id} ${JSON.stringify(header)} is answered ${reply}`, async () => {
    await using server = await endpoint(submission(), { instances })
    await using client = await loggedIn(server)
    await sendMessage(client, `${header}\r\n\r\nHello`, reply)
    if (reply === '250 *') assert.ok(server.box.delivered[0]?.header.endsWith(`\r\n${header}\r\n`))
  })
}

test('B14 the trace field tells nothing of the user', async () => {
  await using server = await endpoint(submission(), { instances })
  await using client = await loggedIn(server)
  await sendMessage(client, 'From: a@h.example\r\n\r\n', '250 *')
  const { header = '' } = server.box.delivered[0] ?? {}
  assert.match(header, /^Received: by mx\.xn--bcher-kva\.example /)
  assert.doesNotMatch(header, /127\.0\.0\.1|client\.example/)
})

test('B16 one login is enough', async () => {
  await using server = await endpoint(submission(), { instances })
  await using client = await loggedIn(server)
  await client.command(login, '503 5.5.1 Already authenticated')
})

test('B17 a name without an entry in auth_map is wrong', async () => {
  await using server = await endpoint(submission('auth &ann\nauth_map &nobody'), { instances })
  await using client = await server.greeted()
  await client.command(login, '535 5.7.8 *')
})

test('the programs of users may send bare newlines, which are mended', async () => {
  await using server = await endpoint(submission(), { instances })
  await using client = await loggedIn(server)
  await sendMessage(client, 'From: a@h.example\n\nHello\nthere', '250 *')
  assert.equal(server.box.delivered[0]?.body, 'Hello\r\nthere\r\n')
})
