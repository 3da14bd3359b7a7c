import assert from 'node:assert/strict'
import { test } from 'node:test'
import { duration, parseDuration } from '../../../core/index.ts'
import { directive } from '../../support/nodes.ts'
import { read } from '../../support/scope.ts'

const minute = 60_000
const hour = 60 * minute

for (const [words, expected] of [
  [['1h'], hour],
  [['1h', '5m'], 65 * minute],
  [['1h5m'], 65 * minute],
  [['5m1h'], 65 * minute],
  [['1', 'h'], hour],
  [['1.5h'], 90 * minute],
  [['.5s'], 500],
  [['1.s'], 1000],
  [['0'], 0],
  [['-0'], 0],
  [['+5s'], 5000],
  [['1h1h'], 2 * hour],
  [['0', '1h'], hour],
  [['250us'], 0.25],
  [['250µs'], 0.25],
  [['250μs'], 0.25],
  [['10ns'], 1e-5],
] as const) {
  test(`duration ${words.join(' ')} is ${expected} ms`, async () => {
    assert.equal(await read(duration(), directive('timeout', ...words)), expected)
  })
}

for (const [written, reason] of [
  ['1h 5m', /"h " is no unit/],
  ['1h0', /a unit is missing after 0/],
  ['5', /a unit is missing after 5/],
  ['1d', /d is no unit in the duration 1d; units are ns, us, ms, s, m and h/],
  ['1w', /w is no unit/],
  ['1H', /H is no unit/],
  ['.', /expected a duration such as 1h30m/],
  ['', /expected a duration such as 1h30m/],
  ['1e3s', /e is no unit/],
  ['1h-5m', /expected a duration/],
  ['-5s', /cannot be negative/],
  ['-5m1h', /cannot be negative/],
  ['2562048h', /out of range/],
] as const) {
  test(`duration ${JSON.stringify(written)} is refused`, () => {
    assert.throws(() => parseDuration(written), { name: 'RangeError', message: reason })
  })
}

test('a duration that is wrong is blamed on its own word', async () => {
  await assert.rejects(read(duration(), directive('timeout', '5')), {
    name: 'ConfigError',
    message: 'test.conf:1:9: a unit is missing after 5 in the duration 5; units are ns, us, ms, s, m and h',
  })
})

test('a directive without its duration says what it needs', async () => {
  await assert.rejects(read(duration(), directive('timeout')), {
    message: 'test.conf:1:1: timeout needs a duration such as 1h30m',
  })
})
