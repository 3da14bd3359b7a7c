import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDateTime, parseDateTime, parseDay } from '../../../core/kit/imap/date.ts'

test('a date is the beginning of its day', () => {
  assert.equal(parseDay('1-Feb-1994'), Date.UTC(1994, 1, 1))
  assert.equal(parseDay('29-FEB-2024'), Date.UTC(2024, 1, 29))
})

test('what is no date is refused', () => {
  for (const text of ['30-Feb-2024', '0-Jan-2024', '1-Foo-2024', '1-Jan-24', '1 Jan 2024', '', '32-Jan-2024']) {
    assert.equal(parseDay(text), undefined, text)
  }
})

test('a date and time is read with its zone', () => {
  assert.equal(parseDateTime(' 1-Feb-1994 21:52:25 -0800'), Date.UTC(1994, 1, 2, 5, 52, 25))
  assert.equal(parseDateTime('17-Jul-1996 02:44:25 +0530'), Date.UTC(1996, 6, 16, 21, 14, 25))
})

test('what is no date and time is refused', () => {
  for (const text of ['1-Feb-1994', '17-Jul-1996 24:00:00 +0000', '17-Jul-1996 02:44:25', '17-Jul-1996 02:44:25 UTC']) {
    assert.equal(parseDateTime(text), undefined, text)
  }
})

test('a time is written in UTC, with a space before a day of one digit', () => {
  assert.equal(formatDateTime(Date.UTC(1994, 1, 1, 1, 2, 3)), '" 1-Feb-1994 01:02:03 +0000"')
})

test('a time out of all bounds is written as some date all the same', () => {
  assert.equal(formatDateTime(Number.NaN), '" 1-Jan-1970 00:00:00 +0000"')
})
