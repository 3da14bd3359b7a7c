import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { timeLimit } from '../../core/kit/abort.ts'

test('a time limit takes parts of a millisecond', async () => {
  const limit = timeLimit(0.25)
  while (!limit.aborted) await pause(1)
  assert.equal(limit.reason.name, 'TimeoutError')
})

for (const milliseconds of [2 ** 31, 2 ** 33, 9e18]) {
  test(`a time limit of ${milliseconds} ms, more than a timer can hold, is not over at once`, async () => {
    const limit = timeLimit(milliseconds)
    await pause(5)
    assert.equal(limit.aborted, false)
  })
}
