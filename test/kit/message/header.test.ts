import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeaderError, lenientHeader, parseHeader, splitMessage } from '../../../core/kit/message/header.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')

test('a field keeps its bytes, and its value is unfolded and trimmed', () => {
  const header = parseHeader(bytes('Subject : one\r\n  two \r\n\tthree\r\nTo: a@b\r\n'))
  const [subject] = header.fields
  assert.equal(subject?.name, 'Subject')
  assert.equal(subject?.value, 'one two three')
  assert.equal(String(subject?.raw), 'Subject : one\r\n  two \r\n\tthree\r\n')
})

test('a field is found whatever the case of its name, the topmost first', () => {
  const header = parseHeader(bytes('X-A: 1\r\nx-a: 2\r\n'))
  assert.equal(header.get('X-a'), '1')
  assert.deepEqual(header.all('x-A'), ['1', '2'])
  assert.equal(header.get('none'), undefined)
})

test('the header ends at the first empty line, and its bytes are the very ones it was read from', () => {
  const message = bytes('A: 1\r\nB: 2\r\n\r\nC: 3\r\n')
  const header = parseHeader(message)
  assert.equal(String(header.bytes()), 'A: 1\r\nB: 2\r\n')
  assert.equal(header.size, 12)
  assert.equal(header.bytes().buffer, message.buffer)
})

test('a header without fields is one', () => {
  for (const text of ['', '\r\n', '\r\nbody']) {
    const header = parseHeader(bytes(text))
    assert.deepEqual([header.size, header.fields.length, header.bytes().length], [0, 0, 0])
  }
})

test('a last line without a line end gets one', () => {
  assert.equal(String(parseHeader(bytes('A: 1\r\nB: 2')).bytes()), 'A: 1\r\nB: 2\r\n')
})

test('a first line that starts with white space is refused', () => {
  assert.throws(() => parseHeader(bytes(' A: 1\r\n')), HeaderError)
  assert.throws(() => parseHeader(bytes('\tA: 1\r\n')), HeaderError)
})

test('a line without a colon is refused, also when a fold of it has one', () => {
  for (const text of ['A: 1\r\nno field\r\n', 'no field\r\n b: c\r\n', 'A']) {
    assert.throws(() => parseHeader(bytes(text)), HeaderError)
  }
})

test('a field name with a blank, a control character or an octet above 126 is refused', () => {
  for (const name of ['A B', 'A\0', 'A\x7f', 'Gr\xfc\xdfe']) {
    assert.throws(() => parseHeader(bytes(`${name}: 1\r\n`)), { name: 'HeaderError', reason: /field name/ })
  }
})

test('a field without a name is dropped', () => {
  const header = parseHeader(bytes('A: 1\r\n: nobody\r\n  knows\r\n \t: nor this\r\nB: 2\r\n'))
  assert.deepEqual(
    header.fields.map(({ name }) => name),
    ['A', 'B'],
  )
  assert.equal(String(header.bytes()), 'A: 1\r\nB: 2\r\n')
})

test('a value is read as UTF-8 where it is valid, else as Latin-1', () => {
  const header = parseHeader(Buffer.concat([Buffer.from('A: Grüße\r\n'), bytes('B: Gr\xfc\xdfe\r\n')]))
  assert.deepEqual([header.get('a'), header.get('b')], ['Grüße', 'Grüße'])
})

test('encoded words in a value are left alone', () => {
  assert.equal(parseHeader(bytes('Subject: =?utf-8?Q?x?=\r\n')).get('subject'), '=?utf-8?Q?x?=')
})

test('bare LF ends a line, and stays as it is', () => {
  const header = parseHeader(bytes('A: 1\n b\nB: 2\n\nbody'))
  assert.equal(header.get('a'), '1 b')
  assert.equal(String(header.bytes()), 'A: 1\n b\nB: 2\n')
})

test('fields are put on top in the order given, and leave the first header as it was', () => {
  const header = parseHeader(bytes('A: 1\r\n'))
  const longer = header.prepend('X: 1\r\n', Buffer.from('Y: 2\r\n 3\r\n'))
  assert.equal(String(longer.bytes()), 'X: 1\r\nY: 2\r\n 3\r\nA: 1\r\n')
  assert.equal(longer.size, longer.bytes().length)
  assert.equal(longer.get('y'), '2 3')
  assert.equal(String(header.bytes()), 'A: 1\r\n')
})

test('what is not exactly one complete field is not put on top', () => {
  const header = parseHeader(bytes(''))
  for (const text of ['A: 1', 'A 1\r\n', 'A: 1\r\nB: 2\r\n', 'A: 1\r\n\r\n', ': 1\r\n', '', ' A: 1\r\n']) {
    assert.throws(() => header.prepend(text), HeaderError, JSON.stringify(text))
  }
})

test('a header can be had without some fields, the others byte for byte', () => {
  const header = parseHeader(bytes('A: 1\r\nB:  2 \r\nA: 3\r\n'))
  const without = header.without(({ name }) => name === 'A')
  assert.equal(String(without.bytes()), 'B:  2 \r\n')
  assert.equal(without.size, 8)
  assert.equal(
    header.without(() => false),
    header,
  )
})

test('a lenient header passes over what is no field, and keeps its bytes', () => {
  const text = ' lost\r\nFrom joe Mon\r\nA: 1\r\nno field\r\n at all\r\nB: 2\r\nB\xfc: 3\r\n'
  const header = lenientHeader(bytes(text))
  assert.deepEqual(
    header.fields.map(({ name, value }) => [name, value]),
    [
      ['A', '1'],
      ['B', '2'],
    ],
  )
  assert.equal(Buffer.from(header.bytes()).toString('latin1'), text)
})

test('a message is split at its first empty line, of CRLF or LF, or at its end', () => {
  const cases: readonly (readonly [string, number, number])[] = [
    ['', 0, 0],
    ['\r\nbody', 0, 2],
    ['\nbody', 0, 1],
    ['A: 1\r\n\r\nbody\r\n\r\n', 6, 8],
    ['A: 1\n\nbody\r\n\r\n', 5, 6],
    ['A: 1\r\n\nbody', 6, 7],
    ['A: 1\n\r\nbody', 5, 7],
    ['A: 1\r\n', 6, 6],
    ['A: 1\r\n \r\nB: 2', 13, 13],
  ]
  for (const [text, headerEnd, bodyStart] of cases)
    assert.deepEqual(splitMessage(bytes(text)), { headerEnd, bodyStart })
})

test('a value of a megabyte of blanks is unfolded at once', () => {
  const started = performance.now()
  assert.equal(
    parseHeader(bytes(`A: x${' '.repeat(1_000_000)}y\r\n ${' '.repeat(1_000_000)}z\r\n`))
      .get('a')
      ?.at(-1),
    'z',
  )
  assert.ok(performance.now() - started < 1000)
})
