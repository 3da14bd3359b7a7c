import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoginGuard, type LoginGuardOptions } from '../../../core/mail/logins.ts'

/** A guard whose time passes only when it waits, and what it waited for. */
const setup = (options: LoginGuardOptions = {}) => {
  const clock = { now: 0 }
  const waits: number[] = []
  const guard = new LoginGuard({
    now: () => clock.now,
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted()
      waits.push(milliseconds)
      clock.now += milliseconds
    },
    ...options,
  })
  return { guard, waits, clock }
}

const right = async () => true
const wrong = async () => false

test('a first attempt does not wait, and a success is told at once', async () => {
  const { guard, waits } = setup()
  assert.equal(await guard.attempt('192.0.2.1', 'ann', right), true)
  assert.deepEqual(waits, [])
})

test('failures are told later each time, up to 15 seconds', async () => {
  const { guard, waits } = setup()
  for (let times = 0; times < 7; times++) assert.equal(await guard.attempt('192.0.2.1', 'ann', wrong), false)
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
})

test('an attempt on another connection waits before it is checked', async () => {
  const { guard, waits } = setup({ sleep: async (milliseconds) => void waits.push(milliseconds), now: () => 0 })
  await guard.attempt('192.0.2.1', 'ann', wrong)
  waits.length = 0
  let waitedBefore = 0
  await guard.attempt('192.0.2.1', 'bob', async () => {
    waitedBefore = waits.length
    return true
  })
  assert.equal(waitedBefore, 1)
})

test('an address is slowed down whatever accounts it tries, and an account wherever it is tried from', async () => {
  const { guard, waits } = setup()
  for (const account of ['ann', 'bob', 'eve']) await guard.attempt('192.0.2.1', account, wrong)
  assert.deepEqual(waits.splice(0), [1_000, 2_000, 4_000])
  for (const ip of ['192.0.2.2', '192.0.2.3']) await guard.attempt(ip, 'ann', wrong)
  assert.deepEqual(waits, [2_000, 4_000])
})

test('a success clears the account but not the address', async () => {
  const { guard, waits, clock } = setup()
  for (let times = 0; times < 3; times++) await guard.attempt('192.0.2.1', 'ann', wrong)
  clock.now += 15_000
  await guard.attempt('192.0.2.2', 'ann', right)
  waits.length = 0
  await guard.attempt('192.0.2.3', 'ann', wrong)
  await guard.attempt('192.0.2.1', 'joe', wrong)
  assert.deepEqual(waits, [1_000, 8_000])
})

test('addresses of one IPv6 network count as one', async () => {
  const { guard, waits } = setup()
  await guard.attempt('2001:db8::1', 'ann', wrong)
  await guard.attempt('2001:db8:0:0:ffff::2', 'bob', wrong)
  await guard.attempt('2001:db8:0:1::1', 'joe', wrong)
  assert.deepEqual(waits, [1_000, 2_000, 1_000])
})

test('an IPv4 address counts as one however it is written', async () => {
  const { guard, waits } = setup()
  await guard.attempt('192.0.2.1', 'ann', wrong)
  await guard.attempt('::ffff:192.0.2.1', 'bob', wrong)
  assert.deepEqual(waits, [1_000, 2_000])
})

test('who has logged in from an address before does not wait for what others do to the account', async () => {
  const { guard, waits } = setup({ sleep: async (milliseconds) => void waits.push(milliseconds), now: () => 0 })
  await guard.attempt('192.0.2.1', 'ann', right)
  for (const ip of ['203.0.113.1', '203.0.113.2']) await guard.attempt(ip, 'ann', wrong)
  waits.length = 0
  assert.equal(await guard.attempt('192.0.2.1', 'ann', right), true)
  assert.deepEqual(waits, [])
})

test('and waits like all others once a password was wrong', async () => {
  const { guard, waits } = setup({ sleep: async (milliseconds) => void waits.push(milliseconds), now: () => 0 })
  await guard.attempt('192.0.2.1', 'ann', right)
  await guard.attempt('192.0.2.1', 'ann', wrong)
  waits.length = 0
  await guard.attempt('192.0.2.1', 'ann', right)
  assert.deepEqual(waits, [1_000])
})

test('failures are forgotten after a quarter of an hour', async () => {
  const { guard, waits, clock } = setup()
  for (let times = 0; times < 3; times++) await guard.attempt('192.0.2.1', 'ann', wrong)
  clock.now += 16 * 60_000
  waits.length = 0
  await guard.attempt('192.0.2.1', 'ann', wrong)
  assert.deepEqual(waits, [1_000])
})

test('a check that throws is neither a failure nor a success', async () => {
  const { guard, waits } = setup()
  await guard.attempt('192.0.2.1', 'ann', wrong)
  await assert.rejects(
    guard.attempt('192.0.2.1', 'ann', () => Promise.reject(new Error('down'))),
    /down/,
  )
  waits.length = 0
  await guard.attempt('192.0.2.1', 'ann', wrong)
  assert.deepEqual(waits, [2_000])
})

test('of many checks at once some have to wait, since any of them may be a guess', async () => {
  const { guard, waits } = setup({ together: 10, sleep: async (milliseconds) => void waits.push(milliseconds) })
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const attempts = Array.from({ length: 13 }, () => guard.attempt('192.0.2.1', 'ann', () => promise))
  assert.deepEqual(waits, [1_000, 2_000, 4_000])
  resolve(true)
  assert.deepEqual(await Promise.all(attempts), new Array(13).fill(true))
})

test('a wait ends when the signal aborts, and nothing is checked', async () => {
  const guard = new LoginGuard({ first: 60_000, longest: 60_000 })
  const stop = new AbortController()
  const failing = guard.attempt('192.0.2.1', 'ann', wrong, stop.signal)
  let checked = false
  const { promise: waiting, resolve } = Promise.withResolvers<void>()
  setImmediate(resolve)
  await waiting // the first attempt has failed, and is waiting to tell
  const next = guard.attempt('192.0.2.1', 'ann', async () => (checked = true), stop.signal)
  stop.abort()
  await assert.rejects(failing, { name: 'AbortError' })
  await assert.rejects(next, { name: 'AbortError' })
  assert.equal(checked, false)
})

test('a check that hangs is left behind when the signal aborts', async () => {
  const { guard } = setup()
  const stop = new AbortController()
  const attempt = guard.attempt('192.0.2.1', 'ann', () => new Promise(() => {}), stop.signal)
  stop.abort(new Error('closed'))
  await assert.rejects(attempt, /closed/)
})

test('no more than so many addresses and accounts are remembered', async () => {
  const { guard, waits } = setup({ capacity: 2 })
  for (const name of ['a', 'b', 'c', 'a']) await guard.attempt(null, name, wrong)
  assert.deepEqual(waits, [1_000, 1_000, 1_000, 1_000])
  waits.length = 0
  await guard.attempt(null, 'c', wrong)
  assert.deepEqual(waits, [2_000])
})
