import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatSet,
  inRanges,
  intersectRanges,
  type NumberRange,
  parseSequenceSet,
  resolveSet,
  toRanges,
} from '../../../core/kit/imap/sequence_set.ts'

const resolve = (text: string, largest: number) => {
  const set = parseSequenceSet(text)
  assert.ok(set, text)
  return resolveSet(set, largest)
}

test('a range may be written either way, and the star is the largest number', () => {
  assert.deepEqual(resolve('4:2,7,*', 9), [
    { first: 2, last: 4 },
    { first: 7, last: 7 },
    { first: 9, last: 9 },
  ])
  assert.deepEqual(resolve('4000000000:*', 5), [{ first: 5, last: 4_000_000_000 }])
})

test('ranges that overlap or touch become one', () => {
  assert.deepEqual(resolve('1:3,2:5,6,9', 20), [
    { first: 1, last: 6 },
    { first: 9, last: 9 },
  ])
})

test('what is no set is refused', () => {
  for (const text of ['', '0', '01', '1:', ':1', '1,', ',1', '1::2', '4294967296', '1-2', '*:*:*', 'a', '1 2', '-1']) {
    assert.equal(parseSequenceSet(text), undefined, text)
  }
})

test('numbers are written as a set in their order, runs drawn together', () => {
  assert.equal(formatSet([1, 2, 3, 7, 9, 10]), '1:3,7,9:10')
  assert.equal(formatSet([5, 4, 3]), '5,4,3')
  assert.equal(formatSet([]), '')
})

const numbers = fc.uniqueArray(fc.integer({ min: 1, max: 60 })).map((list) => list.sort((a, b) => a - b))
const spread = (ranges: readonly NumberRange[]) =>
  ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at))

test('ranges hold exactly the numbers they were made of', () => {
  fc.assert(
    fc.property(numbers, (list) => {
      assert.deepEqual(spread(toRanges(list)), list)
      for (let number = 0; number < 62; number++) assert.equal(inRanges(toRanges(list), number), list.includes(number))
    }),
  )
})

test('an intersection has what is in both', () => {
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      const both = a.filter((number) => b.includes(number))
      assert.deepEqual(spread(intersectRanges(toRanges(a), toRanges(b))), both)
    }),
  )
})
