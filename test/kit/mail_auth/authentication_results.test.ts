import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authenticationResults, withoutForgedResults } from '../../../core/kit/mail_auth/authentication_results.ts'
import { parseHeader } from '../../../core/kit/message/header.ts'

const unfolded = (field: string) => field.replace(/\r\n[ \t]/g, ' ')

test('results stand in their order, the reason before the properties, these sorted, and empty ones left out', () => {
  const field = authenticationResults('mx.shop.test', [
    {
      method: 'dkim',
      value: 'pass',
      properties: { 'header.i': '@news.test', 'header.d': 'news.test', 'header.x': '' },
    },
    {
      method: 'spf',
      value: 'pass',
      reason: 'matched ip',
      properties: { 'smtp.mailfrom': 'news.test', 'smtp.helo': 'out.news.test' },
    },
    { method: 'dmarc', value: 'none' },
  ])
  assert.equal(
    unfolded(field),
    'Authentication-Results: mx.shop.test; dkim=pass header.d=news.test header.i=@news.test; spf=pass reason="matched ip" smtp.helo=out.news.test smtp.mailfrom=news.test; dmarc=none\r\n',
  )
  for (const line of field.split('\r\n')) assert.ok(line.length <= 76, line)
})

for (const [value, written] of [
  ['plain', 'plain'],
  ['two words', '"two words"'],
  ['a;b', '"a;b"'],
  ['say "x"', '"say \\"x\\""'],
  ['back\\slash here', '"back\\\\slash here"'],
  ['line\r\nEvil: 1', '"line Evil: 1"'],
] as const) {
  test(`the reason ${JSON.stringify(value)} is written ${written}`, () => {
    const field = unfolded(authenticationResults('h', [{ method: 'spf', value: 'none', reason: value }]))
    assert.equal(field, `Authentication-Results: h; spf=none reason=${written}\r\n`)
  })
}

test('a property that is too long for a line is left out', () => {
  const properties = { 'smtp.helo': 'x'.repeat(900), 'smtp.mailfrom': 'a.test' }
  const field = unfolded(authenticationResults('h', [{ method: 'spf', value: 'none', properties }]))
  assert.equal(field, 'Authentication-Results: h; spf=none smtp.mailfrom=a.test\r\n')
})

test('a property that could break out of the field is quoted', () => {
  const properties = { 'smtp.helo': 'x; dkim=pass (', 'smtp.mailfrom': 'bücher.example' }
  const field = unfolded(authenticationResults('h', [{ method: 'spf', value: 'none', properties }]))
  assert.equal(
    field,
    'Authentication-Results: h; spf=none smtp.helo="x; dkim=pass (" smtp.mailfrom="bücher.example"\r\n',
  )
})

for (const claim of [
  'mx.test; spf=pass',
  'MX.test.; x=y',
  '"mx.test"; x=y',
  ' (c (d\\)) e) mx.test 1; x=y',
  'mx.test',
]) {
  test(`a field that begins with ${JSON.stringify(claim)} claims to be of mx.test`, () => {
    const header = parseHeader(Buffer.from(`Authentication-Results: ${claim}\r\nFrom: a@b.test\r\n`))
    assert.deepEqual(
      withoutForgedResults(header, 'mx.test').fields.map(({ name }) => name),
      ['From'],
    )
  })
}

test('fields of other servers, and other fields, stay', () => {
  const header = parseHeader(
    Buffer.from(
      'Authentication-Results: mx.test.evil; spf=pass\r\nARC-Authentication-Results: i=1; mx.test; spf=pass\r\n',
    ),
  )
  assert.equal(withoutForgedResults(header, 'mx.test'), header)
})
