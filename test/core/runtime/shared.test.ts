import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Shared } from '../../../core/runtime/shared.ts'

const counting = () => {
  const counts = { opened: 0, closed: 0 }
  const open = async () => {
    counts.opened++
    return {
      [Symbol.asyncDispose]: async () => {
        counts.closed++
      },
    }
  }
  return { counts, open }
}

test('what two ask for by one key is opened once and closed after the last', async () => {
  const shared = new Shared()
  const { counts, open } = counting()
  const [first, second] = [new AsyncDisposableStack(), new AsyncDisposableStack()]
  const [a, b] = await Promise.all([shared.get(first, 'k', open), shared.get(second, 'k', open)])
  assert.equal(a, b)
  await first.disposeAsync()
  assert.deepEqual(counts, { opened: 1, closed: 0 })
  await second.disposeAsync()
  assert.deepEqual(counts, { opened: 1, closed: 1 })
})

test('what has been closed is opened anew', async () => {
  const shared = new Shared()
  const { counts, open } = counting()
  for (let i = 0; i < 2; i++) {
    await using held = new AsyncDisposableStack()
    await shared.get(held, 'k', open)
  }
  assert.deepEqual(counts, { opened: 2, closed: 2 })
})

test('who asks while it is being closed waits, so that it is never open twice', async () => {
  const shared = new Shared()
  const closing = Promise.withResolvers<void>()
  let open = 0
  let most = 0
  const make = async () => {
    most = Math.max(most, ++open)
    return {
      [Symbol.asyncDispose]: async () => {
        await closing.promise
        open--
      },
    }
  }
  const first = new AsyncDisposableStack()
  await shared.get(first, 'k', make)
  const closed = first.disposeAsync()
  await using second = new AsyncDisposableStack()
  const again = shared.get(second, 'k', make)
  closing.resolve()
  await Promise.all([closed, again])
  assert.equal(most, 1)
})

test('a failure to open reaches everybody who waits, and the next may try again', async () => {
  const shared = new Shared()
  await using held = new AsyncDisposableStack()
  const fail = async (): Promise<AsyncDisposable> => {
    throw new Error('no')
  }
  const both = await Promise.allSettled([shared.get(held, 'k', fail), shared.get(held, 'k', fail)])
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  const { counts, open } = counting()
  await shared.get(held, 'k', open)
  assert.equal(counts.opened, 1)
})
