import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Message } from '../../../core/kit/message/message.ts'
import { dataContent, wireContent } from '../../../core/kit/smtp/client/index.ts'
import { messageOf } from './support.ts'

const header = 'Subject: x\r\n'

/** A message whose body comes in these pieces. */
const inPieces = (...pieces: readonly (string | Uint8Array)[]): Message => {
  const body = Buffer.concat(pieces.map((piece) => Buffer.from(piece as string)))
  return {
    ...messageOf(body, header),
    body: {
      size: body.length,
      memory: undefined,
      async *read() {
        for (const piece of pieces) yield Buffer.from(piece as string)
      },
    },
  }
}

const sent = async (message: Message): Promise<string> =>
  Buffer.concat(await Array.fromAsync(dataContent(message))).toString('latin1')

const inChunks = async (message: Message): Promise<string> =>
  Buffer.concat(await Array.fromAsync(wireContent(message))).toString('latin1')

for (const [what, body, expected] of [
  ['an empty body', '', ''],
  ['a clean body', 'a\r\nb\r\n', 'a\r\nb\r\n'],
  ['a body without an end of its last line', 'a', 'a\r\n'],
  ['a dot at the start', '.a\r\n', '..a\r\n'],
  ['dots at the start of lines', 'a\r\n.\r\n..\r\n.b.c\r\n', 'a\r\n..\r\n...\r\n..b.c\r\n'],
  ['LF alone', 'a\nb\n', 'a\r\nb\r\n'],
  ['CR alone', 'a\rb\r', 'a\r\nb\r\n'],
  ['LF CR', 'a\n\rb', 'a\r\n\r\nb\r\n'],
  ['CR CR LF', 'a\r\r\nb', 'a\r\n\r\nb\r\n'],
  ['LF . LF', 'a\n.\nb', 'a\r\n..\r\nb\r\n'],
  ['LF . CR LF', 'a\n.\r\nb', 'a\r\n..\r\nb\r\n'],
  ['CR . CR', 'a\r.\rb', 'a\r\n..\r\nb\r\n'],
  ['CR LF . CR', 'a\r\n.\rb', 'a\r\n..\r\nb\r\n'],
  ['CR LF . LF', 'a\r\n.\nb', 'a\r\n..\r\nb\r\n'],
  ['CR . LF', 'a\r.\nb', 'a\r\n..\r\nb\r\n'],
  ['CR CR LF . CR CR LF', 'a\r\r\n.\r\r\nb', 'a\r\n\r\n..\r\n\r\nb\r\n'],
  ['a NUL in front of a dot', 'a\r\n\0.\r\nb', 'a\r\n\0\r\n..\r\nb\r\n'],
  ['a NUL elsewhere', 'a\0b\r\n', 'a\0b\r\n'],
  ['octets above 127', 'é\x80\xff\r\n', 'é\x80\xff\r\n'],
] as const) {
  test(`${what} goes so that nothing in it is an end of the message`, async () => {
    assert.equal(await sent(messageOf(body, header)), `${header}\r\n${expected}.\r\n`)
  })
}

test('the same comes out however the body is cut into pieces', async () => {
  const body = '.a\r\n.\r\n\r.\r\n.\n..\r\r\n\0.\r\n\n.'
  const whole = await sent(messageOf(body, header))
  for (let at = 0; at <= body.length; at++) {
    assert.equal(await sent(inPieces(body.slice(0, at), body.slice(at))), whole, `cut at ${at}`)
  }
  assert.equal(await sent(inPieces(...body)), whole)
})

test('a header with bare line ends is mended as well', async () => {
  assert.equal(await sent(messageOf('x', 'A: b\n.\nC: d\n')), 'A: b\r\n..\r\nC: d\r\n\r\nx\r\n.\r\n')
})

test('chunks carry the same lines, without doubled dots', async () => {
  assert.equal(await inChunks(messageOf('.\r\n.\nx', header)), `${header}\r\n.\r\n.\r\nx\r\n`)
})

test('small pieces are sent together, and large ones as they are', async () => {
  const small = inPieces(...Array.from({ length: 1000 }, () => 'x'.repeat(98).concat('\r\n')))
  const sizes = (await Array.fromAsync(wireContent(small))).map(({ length }) => length)
  assert.equal(sizes.length, 2)
  assert.ok((sizes[0] ?? 0) >= 65_536)
  const large = Buffer.from('x'.repeat(99_998).concat('\r\n'))
  const pieces = await Array.fromAsync(wireContent(inPieces(large, large)))
  assert.ok(pieces.length >= 2)
})

/** How servers read that are less strict than they should be: what they take for the end of a line, and what they drop. */
const readers: readonly ((wire: string) => string[])[] = [
  (wire) => wire.split('\r\n'),
  (wire) => wire.split('\n'),
  (wire) => wire.split('\r'),
  (wire) => wire.split(/\r\n|\n|\r/),
  (wire) => wire.split(/\r?\n/),
  (wire) => wire.split(/\r*\n/),
  (wire) => wire.replaceAll('\0', '').split(/\r\n|\n|\r/),
  (wire) => wire.replaceAll('\r', '').split('\n'),
  (wire) => wire.replaceAll('\n', '').split('\r'),
]

test('no server sees an end before the end, however it reads lines', async () => {
  const octet = fc.constantFrom('\r', '\n', '.', '\0', 'a', '\r\n', '\r\n.\r\n')
  await fc.assert(
    fc.asyncProperty(fc.array(octet, { maxLength: 40 }), fc.array(octet, { maxLength: 40 }), async (first, second) => {
      const wire = await sent(inPieces(first.join(''), second.join('')))
      assert.ok(wire.endsWith('\r\n.\r\n'))
      for (const read of readers) {
        const lines = read(wire)
        const ends = lines.filter((line) => /^\r?\n?\.\r?$/.test(line)).length
        assert.equal(ends, 1, JSON.stringify({ wire, lines }))
      }
    }),
    { numRuns: 500 },
  )
})

test('a strict server gets the body back, once its line ends are mended', async () => {
  const octet = fc.constantFrom('\r\n', '.', 'a', ' ', 'é', '\r\n.\r\n')
  await fc.assert(
    fc.asyncProperty(fc.array(octet, { maxLength: 60 }), async (parts) => {
      const body = parts.join('')
      const wire = await sent(messageOf(body, header))
      const received = wire.slice(0, -3).replaceAll(/^\./gm, '')
      assert.equal(received, `${header}\r\n${body}${body === '' || body.endsWith('\r\n') ? '' : '\r\n'}`)
    }),
    { numRuns: 300 },
  )
})
