import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailServer } from './mail_server.ts'
import { rspamdServer, valuesOf } from './rspamd_server.ts'

/** A whole server whose mail an rspamd judges that always says the same. */
const judging = async (answer: unknown, directives = '') => {
  await using stack = new AsyncDisposableStack()
  const rspamd = stack.use(await rspamdServer(answer))
  const server = stack.use(await mailServer(`rspamd http://127.0.0.1:${rspamd.port} {\n${directives}\n}`))
  const held = stack.move()
  return { rspamd, server, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

test('mail that rspamd wants a field for is accepted into Junk with its score, rounded, and a flag', async () => {
  await using made = await judging({ action: 'add header', score: 7.456 })
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^250 /)
  const [message] = await made.server.messages('Junk')
  assert.match(message ?? '', /\r\nX-Spam-Score: 7\.46\r\nX-Spam-Flag: Yes\r\nReceived: /)
  assert.deepEqual(await made.server.messages('INBOX'), [])
})

test('mail that rspamd rejects is refused', async () => {
  await using made = await judging({ action: 'reject', score: 15 })
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^550 5\.7\.0 Message rejected due to local policy \(msg ID = /)
})

test('a rejection that is to be ignored is told to the log alone', async () => {
  await using made = await judging({ action: 'reject', score: 15 }, 'reject_action ignore')
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^250 /)
  assert.equal((await made.server.messages('INBOX')).length, 1)
  assert.match(await made.server.log(), /no check action.*local policy/)
})

test('mail is accepted while rspamd is down', async () => {
  await using made = await judging({ action: 'reject' })
  await made.rspamd[Symbol.asyncDispose]()
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^250 /)
  assert.equal((await made.server.messages('INBOX')).length, 1)
})

test('an answer that is no JSON defers the message where errors are rejected', async () => {
  await using made = await judging('not JSON', 'io_error_action reject')
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^451 4\.9\.0 Internal error during policy check/)
})

test('rspamd is told the hostname of the server, the client and every recipient', async () => {
  await using made = await judging({ action: 'no action', score: 0 })
  await made.server.send(['b@to.example', 'c@to.example'])
  const [asked] = made.rspamd.asked
  assert.ok(asked)
  assert.deepEqual(
    ['MTA-Name', 'IP', 'Helo', 'From', 'Rcpt'].map((name) => valuesOf(asked, name)),
    [['mx.test'], ['127.0.0.1'], ['client.example'], ['a@from.example'], ['b@to.example', 'c@to.example']],
  )
  assert.match(valuesOf(asked, 'Queue-ID')[0] ?? '', /^[0-9a-f]{8}$/)
  assert.equal(asked.body, 'Subject: x\r\n\r\nhello\r\n')
})

test('the log tells of which message rspamd recommended what is not known', async () => {
  await using made = await judging({ action: 'dance', score: 0 })
  await made.server.send()
  assert.match(await made.server.log(), /rspamd recommends what is not known.*"action":"dance","msg_id":"[0-9a-f]{8}"/)
})
