import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSize, size } from '../../../core/index.ts'
import { directive } from '../../support/nodes.ts'
import { read } from '../../support/scope.ts'

for (const [written, bytes] of [
  ['32M', 33_554_432],
  ['1M 5K', 1_053_696],
  ['5K 1M', 1_053_696],
  ['1G 1G', 2_147_483_648],
  ['5b', 5],
  ['5B', 5],
  ['007K', 7168],
  ['0', 0],
  ['00', 0],
  ['0 0', 0],
  ['0X', 0],
] as const) {
  test(`size ${written} is ${bytes} bytes`, async () => {
    assert.equal(await read(size(), directive('limit', ...written.split(' '))), bytes)
  })
}

for (const [written, reason] of [
  ['5', /a unit is missing after 5/],
  ['1 M', /a unit is missing after 1/],
  ['1k', /k is no unit in the size 1k; units are B, K, M and G/],
  ['1m', /m is no unit/],
  ['1KB', /KB is no unit/],
  ['1KiB', /KiB is no unit/],
  ['1T', /T is no unit/],
  ['1d', /d is no unit/],
  ['1M5K', /expected a size such as 32M, not 1M5K/],
  ['1.5M', /expected a size/],
  ['-5M', /expected a size/],
  ['+5M', /expected a size/],
  ['1_0K', /expected a size/],
  ['M', /expected a size/],
  ['0 M', /expected a size/],
  ['1M  5K', /expected a size/],
  [' 1M', /expected a size/],
  ['1M ', /expected a size/],
  ['', /expected a size/],
  ['9000000000G', /out of range/],
] as const) {
  test(`size ${JSON.stringify(written)} is refused`, () => {
    assert.throws(() => parseSize(written), { name: 'RangeError', message: reason })
  })
}
