import assert from 'node:assert/strict'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { type Answer, ControlSocket, control, NotRunning } from '../../../core/runtime/control.ts'
import { folder } from '../../support/process.ts'

const open = async (answer: Answer) => {
  await using stack = new AsyncDisposableStack()
  const place = stack.use(await folder())
  const path = join(place.path, 'control.sock')
  stack.use(await ControlSocket.open(path, answer))
  const held = stack.move()
  return { path, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

/** Everything that comes back for a text. */
const say = async (path: string, written: string): Promise<string> => {
  const socket = connect(path)
  await once(socket, 'connect')
  socket.write(written)
  return await text(socket)
}

test('a request brings progress and then the result', async () => {
  await using socket = await open(async ({ command }, progress) => {
    progress('one')
    progress('two')
    return { ok: true, status: { command } }
  })
  const steps: string[] = []
  const result = await control(socket.path, { command: 'status' }, (step) => steps.push(step))
  assert.deepEqual(result, { ok: true, status: { command: 'status' } })
  assert.deepEqual(steps, ['one', 'two'])
})

test('what goes wrong comes back as the text of the error', async () => {
  await using socket = await open(async () => {
    throw new Error('no')
  })
  assert.deepEqual(await control(socket.path, { command: 'reload' }), { ok: false, error: 'no' })
})

test('only the owner may connect', async () => {
  await using socket = await open(async () => ({ ok: true }))
  assert.equal((await stat(socket.path)).mode & 0o777, 0o600)
})

test('what is no request gets a clear answer', async () => {
  await using socket = await open(async () => ({ ok: true }))
  assert.match(await say(socket.path, '{"command":"explode"}\n'), /expected \{\\"command\\":\\"reload\\"\}/)
  assert.match(await say(socket.path, 'hello\n'), /"ok":false/)
})

test('a request without end is refused in words, and its connection closed', async () => {
  await using socket = await open(async () => ({ ok: true }))
  assert.match(await say(socket.path, 'x'.repeat(5_000)), /"ok":false,"error":"the request is too long"/)
  await say(socket.path, 'x'.repeat(1_000_000)).catch((error) => assert.match(String(error), /ECONNRESET|EPIPE/))
})

test('nobody at the socket is told apart from a failure', async () => {
  await using place = await folder()
  await assert.rejects(control(join(place.path, 'control.sock'), { command: 'reload' }), NotRunning)
})

test('a second server at the same path is refused, and the first goes on', async () => {
  await using socket = await open(async () => ({ ok: true }))
  await assert.rejects(ControlSocket.open(socket.path, async () => ({ ok: false, error: '' })))
  assert.deepEqual(await control(socket.path, { command: 'reload' }), { ok: true })
})
