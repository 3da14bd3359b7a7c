import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAddresses } from '../../../core/kit/message/address_entries.ts'
import { parseAddressList } from '../../../core/kit/message/address_list.ts'

/** `name|local|host` of each. */
const short = (text: string) =>
  parseAddressList(text)?.addresses.map(({ name, mailbox, host }) => `${name}|${mailbox}|${host}`)

test('addresses have a name, a local part and a host', () => {
  assert.deepEqual(short('a@b.example, "Last, First" <c.d@e>, John Q. Public <f@g>'), [
    '|a|b.example',
    'Last, First|c.d|e',
    'John Q. Public|f|g',
  ])
})

test('comments are passed over, nested ones too', () => {
  assert.deepEqual(short('(x (y) \\) z) Ann (nee Bee) <a@b (home)> (end)'), ['Ann|a|b'])
})

test('quotes are taken off a local part and a name, with their backslashes', () => {
  assert.deepEqual(short('"a \\"b"@c, "x\\\\y" <d@e>'), ['|a "b|c', 'x\\y|d|e'])
})

test('an encoded word in a name stays as it is, even with a comma in it', () => {
  assert.deepEqual(short('=?utf-8?Q?Doe,_J=C3=BC?= <a@b>'), ['=?utf-8?Q?Doe,_J=C3=BC?=|a|b'])
})

test('Unicode, domain literals and source routes are understood', () => {
  assert.deepEqual(short('Jürgen <jürgen@bücher.example>, x@[192.0.2.1], <@r1,@r2:y@z>'), [
    'Jürgen|jürgen|bücher.example',
    '|x|[192.0.2.1]',
    '|y|z',
  ])
})

test('groups are understood, the empty one too', () => {
  const list = parseAddressList('Friends: a@b, C <c@d>;, undisclosed-recipients:;, e@f')
  assert.deepEqual(
    list?.groups.map(({ name, addresses }) => [name, addresses.length]),
    [
      ['Friends', 2],
      ['undisclosed-recipients', 0],
    ],
  )
  assert.equal(list?.addresses.length, 3)
})

test('a trailing comma and an empty element are tolerated', () => {
  assert.deepEqual(short(',a@b,, c@d ,'), ['|a|b', '|c|d'])
  assert.equal(parseAddressList('g: a@b,,c@d,;')?.addresses.length, 2)
})

test('what is no list of addresses is undefined', () => {
  const wrong = [
    '',
    ',',
    'a',
    '"a"',
    'a b',
    '<a@b> tail',
    'a@b c',
    'a@b <c@d>',
    'a@b; c@d',
    'a@',
    '@b',
    '<>',
    '<a@b',
    'a@b>',
    'a..b@c',
    '.a@b',
    'a.@b',
    'a@b.',
    'a@b@c',
    'g: a@b',
    'g: a@b x;',
    'g: h: a@b;;',
    '"open <a@b>',
    '(open a@b',
    'a@[1',
    'a\0@b',
    ': a@b;',
  ]
  for (const text of wrong) assert.equal(parseAddressList(text), undefined, text)
})

test('an IMAP list has markers where a group starts and ends', () => {
  assert.deepEqual(parseAddresses('undisclosed-recipients:;'), [
    { name: null, route: null, mailbox: 'undisclosed-recipients', host: null },
    { name: null, route: null, mailbox: null, host: null },
  ])
  assert.deepEqual(
    parseAddresses('x@y, g: A <a@b>; c@d').map(({ mailbox, host }) => `${mailbox}@${host}`),
    ['x@y', 'g@null', 'a@b', 'null@null', 'c@d'],
  )
})

test('a group that is not ended ends with the field', () => {
  assert.equal(parseAddresses('g: a@b, c@d').length, 4)
})

test('an IMAP list keeps names and routes as written', () => {
  assert.deepEqual(parseAddresses('=?utf-8?Q?x?= y <@r:a@b>'), [
    { name: '=?utf-8?Q?x?= y', route: '@r', mailbox: 'a', host: 'b' },
  ])
})

test('the best is made of addresses with wrong syntax', () => {
  const cases: readonly (readonly [string, readonly (readonly (string | null)[])[]])[] = [
    ['user', [[null, 'user', '']]],
    ['a@b <c@d>', [['a@b', 'c', 'd']]],
    [
      'Joe <joe@>, k@l',
      [
        ['Joe', 'joe', ''],
        [null, 'k', 'l'],
      ],
    ],
    ['<a@b> tail', [[null, 'a', 'b']]],
    ['call me a@b now', [[null, 'a', 'b']]],
    ['a..b@c', [[null, 'a..b', 'c']]],
    ['<>', [[null, '', '']]],
    ['"just a name"', [[null, 'just a name', '']]],
    ['x@y <broken', [['x@y', 'broken', '']]],
    ['', []],
    [' , ;', []],
  ]
  for (const [text, expected] of cases) {
    assert.deepEqual(
      parseAddresses(text).map(({ name, mailbox, host }) => [name, mailbox, host]),
      expected,
      text,
    )
  }
})

const pieces = fc.constantFrom(
  'a',
  '@',
  'b.c',
  '<',
  '>',
  ',',
  ';',
  ':',
  '"',
  '(',
  ')',
  '[',
  ']',
  '\\',
  ' ',
  '.',
  '\0',
  'ü',
  '=?u?q?,?=',
)

test('no text makes the readers of addresses throw, and what is strictly an address is one leniently too', () => {
  fc.assert(
    fc.property(fc.string({ unit: pieces, maxLength: 40 }), (text) => {
      const strict = parseAddressList(text)
      const lenient = parseAddresses(text)
      if (!strict) return
      const found = lenient.filter(({ host }) => host !== null).map(({ mailbox, host }) => `${mailbox}@${host}`)
      assert.deepEqual(
        found,
        strict.addresses.map(({ mailbox, host }) => `${mailbox}@${host}`),
      )
    }),
    { numRuns: 2000 },
  )
})

test('a long run of any special character is read in good time', () => {
  for (const piece of ['"', '(', '<', ',', ':', ';', '@', 'a ', 'a@b,', '=?', 'a:', '\\', '.', 'x@y <']) {
    const text = piece.repeat(Math.floor(300_000 / piece.length))
    const started = performance.now()
    parseAddressList(text)
    parseAddresses(text)
    assert.ok(performance.now() - started < 2000, piece)
  }
})
