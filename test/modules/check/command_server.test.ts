import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailServer, script } from './mail_server.ts'

/** A whole server whose mail a script judges. */
const judging = async (text: string, args = '', directives = '') => {
  await using stack = new AsyncDisposableStack()
  const program = stack.use(await script(text))
  const server = stack.use(await mailServer(`command ${program.file} ${args} {\n${directives}\n}`))
  const held = stack.move()
  return { server, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

test('mail that a program quarantines is accepted into Junk, with the field that the program printed on top', async () => {
  await using made = await judging('echo "X-A: 1"; exit 2')
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^250 /)
  assert.deepEqual(await made.server.messages('INBOX'), [])
  const [message] = await made.server.messages('Junk')
  assert.match(message ?? '', /\r\nX-A: 1\r\nReceived: /)
  assert.match(await made.server.log(), /quarantined.*exit_code/)
})

test('a program that ends in a way nobody has named defers the message', async () => {
  await using made = await judging('exit 7')
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^450 4\.0\.0 Internal server error \(msg ID = [0-9a-f]{8}\)$/)
})

test('a refusal is in the words of the configuration', async () => {
  await using made = await judging('exit 7', '', 'code 7 reject 552 5.2.2 "too big"')
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^552 5\.2\.2 too big \(msg ID = /)
  assert.deepEqual(await made.server.messages('INBOX'), [])
})

test('a program that prints no header defers the message', async () => {
  await using made = await judging('echo "no colon here"')
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^450 4\.0\.0 /)
})

test('a recipient that a program refuses does not get the message, and the others do', async () => {
  await using made = await judging('test "$1" != c@to.example', '{address}', 'run_on rcpt')
  const [first, second, reply] = await made.server.send(['b@to.example', 'c@to.example'])
  assert.match(first ?? '', /^250 /)
  assert.match(second ?? '', /^550 5\.7\.1 Message rejected for due to a local policy/)
  assert.match(reply ?? '', /^250 /)
  assert.equal((await made.server.messages('INBOX', 'b@to.example')).length, 1)
  assert.deepEqual(await made.server.messages('INBOX', 'c@to.example'), [])
})

test('a program that takes longer than its timeout defers the message', async () => {
  await using made = await judging('sleep 1000', '', 'timeout 100ms')
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^451 4\.3\.0 /)
  assert.match(await made.server.log(), /check failed.*took too long/)
})
