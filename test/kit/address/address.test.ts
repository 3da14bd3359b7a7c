import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  cleanDomain,
  forLookup,
  formatAddress,
  parseAddress,
  quoteLocal,
  sameAddress,
  sameDomain,
  splitAddress,
  toAscii,
  toUnicode,
  unquoteLocal,
  validAddress,
  validDomain,
  wireAddress,
} from '../../../core/kit/address/index.ts'

test('an address is cut at its last @', () => {
  assert.deepEqual(splitAddress('a@b@c.example'), { local: 'a@b', domain: 'c.example' })
})

test('postmaster in any case is an address without a domain', () => {
  assert.deepEqual(splitAddress('PostMaster'), { local: 'PostMaster', domain: '' })
  assert.deepEqual(parseAddress('PostMaster'), { local: 'PostMaster', domain: '' })
  assert.equal(forLookup('PostMaster'), 'postmaster')
  assert.equal(formatAddress({ local: 'PostMaster', domain: '' }), 'PostMaster')
})

test('what has no @, or nothing on one side of it, is no address', () => {
  for (const text of ['', 'info', '@x.example', 'info@']) {
    assert.throws(() => parseAddress(text), RangeError, text)
  }
})

test('parsing removes the quotes of the local part and cleans the domain', () => {
  assert.deepEqual(parseAddress('"A \\"b\\@"@BÜCHER.example.'), { local: 'A "b@', domain: 'bücher.example.' })
  assert.deepEqual(parseAddress('U@xn--bcher-kva.example'), { local: 'U', domain: 'bücher.example' })
})

test('an address without quotes is what tables and logs hold', () => {
  assert.equal(formatAddress({ local: 'a b', domain: 'x.example' }), 'a b@x.example')
})

test('the key for tables is in lower case, U-labels and NFC, without the final dot', () => {
  assert.equal(forLookup('Ü.X@BÜCHER.example.'), 'ü.x@bücher.example')
  assert.equal(forLookup('E\u0301@x.example'), 'é@x.example')
  assert.equal(forLookup({ local: 'A B', domain: 'x.example' }), 'a b@x.example')
  assert.equal(forLookup('"A B"@x.example'), 'a b@x.example')
  assert.equal(forLookup(''), '')
  assert.throws(() => forLookup('info'), RangeError)
})

test('lower-casing takes one letter for one: no final sigma, ß stays, a dotted I loses its dot', () => {
  assert.equal(forLookup('ΟΔΟΣ@STRAßE.İ.example'), 'οδοσ@straße.i.example')
})

test('addresses are the same in A-labels and U-labels, in any case', () => {
  assert.ok(sameAddress('u@bücher.example', 'U@xn--bcher-kva.example'))
  assert.ok(sameAddress({ local: 'U', domain: 'bücher.example' }, 'u@BÜCHER.example.'))
  assert.ok(!sameAddress('u@bücher.example', 'v@bücher.example'))
})

test('texts that are no addresses are the same when only their case differs', () => {
  assert.ok(sameAddress('Info', 'info'))
  assert.ok(!sameAddress('info', 'sales'))
})

test('a local part is quoted only where it would be misread', () => {
  const rows = { 'a.b': 'a.b', '.a..b': '.a..b', 'a b': '"a b"', 'a"b': '"a\\"b"', 'a\\b': '"a\\\\b"', 'a@b': '"a@b"' }
  for (const [local, quoted] of Object.entries(rows)) assert.equal(quoteLocal(local), quoted)
})

test('unquoting undoes quoting', () => {
  for (const local of ['a.b', 'a b', 'a"b', 'a\\b', '@', '\\"']) assert.equal(unquoteLocal(quoteLocal(local)), local)
})

test('a local part that is half quoted, or empty within its quotes, is refused', () => {
  for (const local of ['a\\b', '"a"b', '""', '"a', 'a"', 'a@b', '"a\\"']) {
    assert.throws(() => unquoteLocal(local), RangeError, local)
  }
})

test('valid addresses', () => {
  const longest = `${'a'.repeat(310)}@x.example`
  for (const text of [
    '.a..b@x.example',
    '"a b"@x.example',
    'u@[192.0.2.7]',
    'ü@bücher.example',
    'POSTMASTER',
    'u@x.example.',
    `u@${'a'.repeat(64)}.example`,
    longest,
  ]) {
    assert.ok(validAddress(text), text)
  }
})

test('invalid addresses', () => {
  for (const text of [
    'a b@x.example',
    'u@.x',
    'u@a..b',
    `${'a'.repeat(311)}@x.example`,
    'a@b@x.example',
    'info',
    '"a\u0007b"@x.example',
    '"a"b@x.example',
    `u@${'a'.repeat(65)}.example`,
    'u@xn--99999999.example',
    '',
  ]) {
    assert.ok(!validAddress(text), text)
  }
})

test('domains of 1 to 255 bytes without empty labels are valid', () => {
  const labels = `${'a'.repeat(49)}.`.repeat(5)
  assert.ok(validDomain(`${labels}abcde`))
  assert.ok(!validDomain(`${labels}abcdef`))
  assert.ok(!validDomain(''))
})

test('only labels that begin with xn-- in lower case are decoded', () => {
  assert.equal(toUnicode('a.xn--bcher-kva.XN--BCHER-KVA'), 'a.bücher.XN--BCHER-KVA')
  assert.equal(toAscii('a.bücher.Example'), 'a.xn--bcher-kva.Example')
})

test('a label that is no Punycode after its xn-- is refused both ways', () => {
  assert.throws(() => toUnicode('xn--99999999.example'), /"xn--99999999" is no valid A-label/)
  assert.throws(() => toAscii('xn--99999999.example'), RangeError)
})

test('a label that would decode to half a surrogate pair is refused', () => {
  assert.throws(() => toUnicode('xn--a-rc4g'), RangeError)
})

test('cleaning keeps the final dot, comparing does not', () => {
  assert.equal(cleanDomain('X.Example.'), 'x.example.')
  assert.ok(sameDomain('X.Example.', 'x.example'))
  assert.ok(sameDomain('xn--99999999.Example', 'xn--99999999.EXAMPLE'))
})

test('on the wire a domain has A-labels unless the other side speaks SMTPUTF8', () => {
  const address = parseAddress('"a b"@bücher.example')
  assert.equal(wireAddress(address), '"a b"@xn--bcher-kva.example')
  assert.equal(wireAddress(address, true), '"a b"@bücher.example')
})

test('a local part beyond ASCII does not travel without SMTPUTF8', () => {
  const address = parseAddress('ü@x.example')
  assert.throws(() => wireAddress(address), RangeError)
  assert.equal(wireAddress(address, true), 'ü@x.example')
})

test('an address with a line break never reaches a wire', () => {
  assert.throws(() => wireAddress({ local: 'a\r\nRCPT TO:<b', domain: 'x.example' }), RangeError)
  assert.throws(() => wireAddress({ local: 'a', domain: 'x\n' }, true), RangeError)
})
