import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PasswordFormatError, PasswordHasher } from '../../../core/kit/password/index.ts'

test('a hash that was made is verified, and only with its password', async () => {
  await using hasher = new PasswordHasher()
  const stored = await hasher.hash('secret', { bcryptCost: 4 })
  assert.equal(await hasher.verify(stored, 'secret'), true)
  assert.equal(await hasher.verify(stored, 'Secret'), false)
})

test('many passwords can be asked for at once', async () => {
  await using hasher = new PasswordHasher()
  const stored = await hasher.hash('7', { bcryptCost: 4 })
  const right = await Promise.all(Array.from({ length: 20 }, (_, i) => hasher.verify(stored, String(i))))
  assert.deepEqual(
    right.flatMap((yes, i) => (yes ? [i] : [])),
    [7],
  )
})

test('the main thread goes on while a password is checked', async () => {
  await using hasher = new PasswordHasher()
  await hasher.hash('x', { bcryptCost: 4 }) // the worker is there
  let turns = 0
  const counting = setInterval(() => turns++, 1)
  await hasher.hash('x', { bcryptCost: 10 })
  clearInterval(counting)
  assert.ok(turns > 2, `only ${turns} turns`)
})

test('errors keep their kind on the way from the worker', async () => {
  await using hasher = new PasswordHasher()
  await assert.rejects(hasher.verify('md5:x', 'x'), (error) => error instanceof PasswordFormatError)
  await assert.rejects(hasher.hash('x'.repeat(73)), (error) => error instanceof RangeError)
})

test('after disposal, waiting and new questions are refused', async () => {
  const hasher = new PasswordHasher()
  const waiting = Promise.allSettled(Array.from({ length: 5 }, () => hasher.hash('x', { bcryptCost: 12 })))
  await hasher[Symbol.asyncDispose]()
  assert.deepEqual(new Set((await waiting).map(({ status }) => status)), new Set(['rejected']))
  await assert.rejects(hasher.hash('x'), /have been stopped/)
})
