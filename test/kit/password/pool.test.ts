import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { WorkerPool } from '../../../core/kit/password/pool.ts'

/** A worker that does what it is told: answers, dies, or hangs. */
const obedient = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, threadId } from 'node:worker_threads'
    parentPort.on('message', (order) => {
      if (order === 'die') process.exit(1)
      if (order === 'throw') throw new Error('as told')
      if (order === 'hang') for (;;);
      parentPort.postMessage(order === 'who' ? threadId : order)
    })`)}`,
)

const pool = (options: Partial<{ size: number; queue: number; deadline: number; idle: number }> = {}) =>
  new WorkerPool(obedient, { size: 1, queue: 10, deadline: 10_000, idle: 10_000, ...options })

test('one worker answers one question after the other', async () => {
  await using workers = pool()
  assert.deepEqual(await Promise.all(['who', 'who', 'who'].map((each) => workers.ask(each))), [
    ...Array(3).fill(await workers.ask('who')),
  ])
})

for (const death of ['die', 'throw']) {
  test(`a worker that is told to ${death} fails that question, and another one takes its place`, async () => {
    await using workers = pool()
    const first = await workers.ask('who')
    const [died, next] = await Promise.allSettled([workers.ask(death), workers.ask('who')])
    assert.equal(died.status, 'rejected')
    assert.ok(next.status === 'fulfilled' && next.value !== first)
  })
}

test('a question that takes too long fails', async () => {
  await using workers = pool({ deadline: 20 })
  await assert.rejects(workers.ask('hang'), /took too long/)
})

test('questions beyond the queue are refused', async () => {
  await using workers = pool({ queue: 1 })
  const answers = await Promise.allSettled(['a', 'b', 'c'].map((each) => workers.ask(each)))
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected'],
  )
})

test('a worker with nothing to do ends, and a question starts a new one', async () => {
  await using workers = pool({ idle: 1 })
  const first = await workers.ask('who')
  while ((await workers.ask('who')) === first) await setTimeout(5) // long enough to be idle in
})
