import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeParameter, parseMediaType, parseParameters } from '../../../core/kit/message/parameters.ts'

const params = (text: string) => ({ ...parseParameters(`x; ${text}`).params })

test('value and parameter names come in lower case, parameter values as written', () => {
  assert.deepEqual(parseMediaType('Text/HTML; Charset=UTF-8; Format="Flowed"'), {
    type: 'text',
    subtype: 'html',
    params: { charset: 'UTF-8', format: 'Flowed' },
  })
})

test('quotes and backslashes go, semicolons in quotes stay', () => {
  assert.deepEqual(params('name="a \\"b\\"; c.txt"; n=1'), { name: 'a "b"; c.txt', n: '1' })
})

test('comments go, but not the brackets of a file name', () => {
  assert.equal(parseMediaType('text/plain (really; truly)')?.subtype, 'plain')
  assert.deepEqual(params('(c) a=b (d;e); name=Invoice(1).pdf'), { a: 'b', name: 'Invoice(1).pdf' })
})

test('a value may have blanks in it without quotes', () => {
  assert.deepEqual(params('name = my file.pdf ; a=1'), { name: 'my file.pdf', a: '1' })
})

test('continued and percent-encoded values are put together', () => {
  assert.deepEqual(params("title*0*=us-ascii'en'This%20is%20; title*1*=%2A%2A%2Afun; title*2=\" isn't it!\""), {
    title: "This is ***fun isn't it!",
  })
  assert.deepEqual(params("filename*=UTF-8''%e2%82%ac%20rates"), { filename: '€ rates' })
  assert.deepEqual(params("filename*=iso-8859-1''%a3"), { filename: '£' })
  assert.deepEqual(params('a*1=y; a*0=x'), { a: 'xy' })
})

test('an encoded value is preferred to a plain one', () => {
  assert.deepEqual(params("filename=x; filename*=utf-8''y"), { filename: 'y' })
})

test('names that objects have of their own are parameters like others, and __proto__ is none', () => {
  const { params: found } = parseParameters('x; constructor=1; __proto__=2')
  assert.equal(found.constructor, '1')
  assert.equal(Object.getPrototypeOf(found), Object.prototype)
})

test('what is no media type is undefined', () => {
  for (const text of ['', 'text', 'text/', '/plain', 'a/b/c', 'text plain', 'te xt/plain', '; a=b']) {
    assert.equal(parseMediaType(text), undefined, text)
  }
})

test('no text makes the reader throw', () => {
  const unit = fc.constantFrom('a', '=', ';', '"', '\\', '(', ')', '*', '0', "'", '%', '/', ' ', 'é')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 60 }), (text) => assert.ok(parseParameters(text).params)),
    { numRuns: 2000 },
  )
})

test('a parameter beyond ASCII is encoded so that it reads back the same, and any other stays', () => {
  assert.deepEqual(encodeParameter('filename', 'a "b" (1).txt'), ['filename', 'a "b" (1).txt'])
  const [name, value] = encodeParameter('filename', "€ 100%'*.txt")
  assert.deepEqual([name, value], ['filename*', "utf-8''%e2%82%ac%20100%25%27%2a.txt"])
  assert.deepEqual(params(`${name}=${value}`), { filename: "€ 100%'*.txt" })
  assert.deepEqual(encodeParameter('name', '\ud800'), ['name*', "utf-8''%ef%bf%bd"])
})
