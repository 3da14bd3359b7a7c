import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foldField } from '../../../core/kit/message/fold.ts'
import { parseHeader } from '../../../core/kit/message/header.ts'

test('a short field stays on one line', () => {
  assert.equal(foldField('Subject', 'hello'), 'Subject: hello\r\n')
})

test('a long field is folded at blanks, each line of at most 76 columns', () => {
  const folded = foldField('Received', 'from a.example (a.example [192.0.2.1]) by mx.example.org with ESMTP '.repeat(4))
  for (const line of folded.split('\r\n')) assert.ok(line.length <= 76, line)
  assert.ok(folded.split('\r\n').length > 4)
})

test('a word longer than a line is not broken, and does not leave the name alone', () => {
  const long = 'x'.repeat(100)
  assert.equal(foldField('A', `${long} tail`), `A: ${long}\r\n tail\r\n`)
})

test('a line end in a value cannot begin a field', () => {
  assert.equal(foldField('A', 'x\r\nBcc: y\n\nbody'), 'A: x Bcc: y body\r\n')
})

test('whatever is folded is one field with the same words', () => {
  const value = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '  ', '\t', 'word', '\n'), maxLength: 200 })
  fc.assert(
    fc.property(value, fc.integer({ min: 10, max: 100 }), (text, width) => {
      const header = parseHeader(Buffer.from(foldField('X-Name', text, width)))
      assert.equal(header.fields.length, 1)
      const words = (spaced = '') => spaced.split(/\s+/).filter(Boolean)
      assert.deepEqual(words(header.get('x-name')), words(text))
      assert.doesNotMatch(String(header.bytes()), /\n[ \t]*\r\n/)
    }),
  )
})
