import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counters } from '../../core/kit/counters.ts'

test('numbers are told apart by name and labels', () => {
  const counters = new Counters()
  counters.add('a', { module: 'smtp' })
  counters.add('a', { module: 'smtp' }, 2)
  counters.add('a', { module: 'lmtp' })
  counters.add('b')
  assert.deepEqual(counters.all(), [
    { name: 'a', labels: { module: 'smtp' }, value: 3 },
    { name: 'a', labels: { module: 'lmtp' }, value: 1 },
    { name: 'b', labels: {}, value: 1 },
  ])
})

test('what is held counts until it is let go, and once', () => {
  const counters = new Counters()
  const held = counters.hold('sessions')
  assert.equal(counters.all()[0]?.value, 1)
  held[Symbol.dispose]()
  held[Symbol.dispose]()
  assert.equal(counters.all()[0]?.value, 0)
})

test('there is a bound to what is told apart', () => {
  const counters = new Counters()
  for (let nth = 0; nth < 5000; nth++) counters.add('a', { nth: String(nth) })
  assert.equal(counters.all().length, 1000)
})
