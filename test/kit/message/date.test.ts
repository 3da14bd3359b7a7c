import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDate, parseDate } from '../../../core/kit/message/date.ts'

const march = Date.UTC(2026, 2, 3, 8, 5, 0)

test('a date is written as in RFC 5322, the day padded or not', () => {
  assert.equal(formatDate(new Date(march), 'UTC'), 'Tue, 03 Mar 2026 08:05:00 +0000')
  assert.equal(formatDate(new Date(march), 'UTC', false), 'Tue, 3 Mar 2026 08:05:00 +0000')
  assert.equal(formatDate(new Date(march), 60), 'Tue, 03 Mar 2026 09:05:00 +0100')
  assert.equal(formatDate(new Date(march), -570), 'Mon, 02 Mar 2026 22:35:00 -0930')
})

test('a date in the zone of this machine is the same time', () => {
  assert.equal(parseDate(formatDate(new Date(march), 'local'))?.ms, march)
})

test('a date is understood with and without weekday, seconds and comment, with two digits of year and named zones', () => {
  const written = [
    'Tue, 3 Mar 2026 08:05:00 +0000',
    'Tue, 03 Mar 2026 09:05:00 +0100',
    '3 Mar 26 08:05 GMT',
    '3 Mar 26 09:05 +0100 (CET)',
    'tue,  3  mar 2026 08:05:00 ut',
    'Tue,3 Mar 2026 03:05:00 EST',
    '3 Mar 2026 08:05 Z',
    ' 3 Mar 2026 08:05 XYZ ',
  ]
  for (const text of written) assert.equal(parseDate(text)?.ms, march, text)
})

test('the zone of a date is kept', () => {
  assert.equal(parseDate('3 Mar 2026 08:05 -0930')?.zoneMinutes, -570)
  assert.equal(parseDate('3 Mar 2026 08:05 PDT')?.zoneMinutes, -420)
  assert.equal(parseDate('3 Mar 2026 08:05 -0000')?.zoneMinutes, 0)
})

test('two digits of year are of this century up to 49', () => {
  assert.equal(parseDate('1 Jan 49 00:00 Z')?.ms, Date.UTC(2049, 0, 1))
  assert.equal(parseDate('1 Jan 50 00:00 Z')?.ms, Date.UTC(1950, 0, 1))
})

test('what is no date is undefined', () => {
  const written = [
    '',
    'yesterday',
    '3 Mar 2026 08:05',
    '31 Jun 2026 08:05 Z',
    '0 Mar 2026 08:05 Z',
    '29 Feb 2026 08:05 Z',
    '3 Foo 2026 08:05 Z',
    '3 Mar 2026 24:05 Z',
    '3 Mar 2026 08:60 Z',
    '3 Mar 2026 08:05 +0160',
    '3 Mar 126 08:05 Z',
    'Xyz, 3 Mar 2026 08:05 Z',
    `3 Mar 2026 08:05 Z${' '.repeat(100_000)}`,
  ]
  for (const text of written) assert.equal(parseDate(text), undefined, text.slice(0, 60))
})

test('a date that was written is read as the same time', () => {
  const time = fc.integer({ min: Date.UTC(1950, 0, 1) / 1000, max: Date.UTC(9998, 0, 1) / 1000 })
  fc.assert(
    fc.property(time, fc.integer({ min: -720, max: 840 }), (seconds, zone) => {
      assert.deepEqual(parseDate(formatDate(new Date(seconds * 1000), zone)), { ms: seconds * 1000, zoneMinutes: zone })
    }),
  )
})
