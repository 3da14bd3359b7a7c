import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fromModifiedUtf7, toModifiedUtf7 } from '../../../core/kit/imap/utf7.ts'

test('names of RFC 3501 and others are written in modified UTF-7 and read back', () => {
  for (const [name, written] of [
    ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'],
    ['Entwürfe', 'Entw&APw-rfe'],
    ['a & b', 'a &- b'],
    ['😀', '&2D3eAA-'],
    ['', ''],
  ] as const) {
    assert.equal(toModifiedUtf7(name), written)
    assert.equal(fromModifiedUtf7(written), name)
  }
})

test('any well-formed name survives being written and read', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      assert.equal(fromModifiedUtf7(toModifiedUtf7(name)), name)
      assert.match(toModifiedUtf7(name), /^[\x20-\x7e]*$/)
    }),
  )
})

test('what is no modified UTF-7, or not the one way to write a name, is refused', () => {
  for (const written of ['&', '&ZeVnLIqe', '&AGE-', '&2D0-', '&AP', '&A-', 'ü', '&APw-&APw-', '&!!-', 'a\tb']) {
    assert.throws(() => fromModifiedUtf7(written), RangeError, written)
  }
})
