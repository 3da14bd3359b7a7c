import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryBody } from '../../../core/kit/message/body.ts'
import { describeBytes } from '../../../core/kit/message/content.ts'
import type { Structure } from '../../../core/kit/message/structure.ts'
import { searchableText } from '../../../core/kit/message/text.ts'
import { decodeQuotedPrintable, decodeTransfer } from '../../../core/kit/message/transfer.ts'
import { decodeHeaderValue, encodeHeaderValue } from '../../../core/kit/message/words.ts'
import { lines } from './support.ts'

async function texts(content: Buffer, structure: Structure = describeBytes(content).structure): Promise<string[]> {
  return Array.fromAsync(searchableText(memoryBody(content), structure))
}

const text = (type: string, encoding: string, ...body: readonly string[]) =>
  lines(`Content-Type: text/${type}`, `Content-Transfer-Encoding: ${encoding}`, '', ...body)

test('text is searched decoded, in transfer encoding and charset', async () => {
  assert.deepEqual(await texts(text('plain; charset=iso-8859-1', 'quoted-printable', 'Gr=FC=', '=dfe')), ['Grüße'])
  assert.deepEqual(await texts(text('plain; charset=utf-8', 'Base64', 'R3LDvMOf', 'ZQ==')), ['Grüße'])
  assert.deepEqual(await texts(text('plain; charset=koi8-r', '8bit', '\xf0\xd2\xc9')), ['При'])
  assert.deepEqual(await texts(text('plain; charset=iso-2022-jp', '7bit', '\x1b$B$3\x1b(B')), ['こ'])
})

test('what cannot be decoded is searched as it is', async () => {
  assert.deepEqual(await texts(text('plain; charset=x-none', '8bit', 'Gr\xfc\xdfe')), ['Grüße'])
  assert.deepEqual(await texts(text('plain; charset=utf-8', '8bit', 'Gr\xfc\xdfe')), ['Grüße'])
  assert.deepEqual(await texts(text('plain', 'x-uuencode', 'begin')), ['begin'])
})

test('of HTML the source is searched, and the text as it is read', async () => {
  const [source, read] = await texts(text('html', '7bit', '<p>Gr&uuml;<b>&szlig;e</b></p>'))
  assert.equal(source, '<p>Gr&uuml;<b>&szlig;e</b></p>')
  assert.equal(read?.trim(), 'Grüße')
})

test('of HTML with rare character references the text is found too', async () => {
  const [, read] = await texts(text('html', '7bit', '<p>1 &NotEqual; 2, &Zcaron;i&zcaron;ek</p>'))
  assert.equal(read?.trim(), '1 ≠ 2, Žižek')
})

test('all text parts are searched, and headers of attached messages, but no other parts', async () => {
  const content = lines(
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    '',
    'one',
    '--b',
    'Content-Type: image/png',
    '',
    'PNG',
    '--b',
    'Content-Type: message/rfc822',
    '',
    'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=',
    '',
    'two',
    '--b--',
  )
  const expected = ['one', 'Subject: Grüße\r\n\r\n', 'two']
  assert.deepEqual(await texts(content), expected)
  const { At: _, ...withoutOffsets } = describeBytes(content).structure
  assert.deepEqual(await texts(content, withoutOffsets), expected)
})

test('of a very long part only the beginning is searched', async () => {
  const [found] = await texts(text('plain', '7bit', 'x'.repeat(5_000_000)))
  assert.equal(found?.length, 4 * 1024 * 1024)
})

test('quoted-printable is decoded, and what is wrong in it stays', () => {
  const decoded = (written: string) => decodeQuotedPrintable(Buffer.from(written)).toString('latin1')
  assert.equal(decoded('a=3D=3db = \t\r\nc=\nd=4=ZZ='), 'a==b cd=4=ZZ=')
  assert.equal(decodeTransfer(Buffer.from('QUJD!!\r\nRA'), ' BASE64 (x)').toString(), 'ABCD')
})

test('encoded words of a field are decoded', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['plain', 'plain'],
    ['=?utf-8?Q?Gr=C3=BC=C3=9Fe_an?= alle', 'Grüße an alle'],
    ['=?ISO-8859-1?b?R3L832U=?=', 'Grüße'],
    ['=?utf-8?Q?a?= =?utf-8?Q?b?=', 'ab'],
    ['=?utf-8?Q?a?=\t =?iso-8859-1?Q?=fc?=', 'aü'],
    ['=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=', 'ü'],
    ['=?utf-8?B?w7w=?= x =?utf-8?B?w7w=?=', 'ü x ü'],
    ['=?utf-8*de?Q?=C3=BC?=', 'ü'],
    ['=?x-none?Q?=fc?=', 'ü'],
    ['=?utf-8?X?a?=', '=?utf-8?X?a?='],
    ['a =? b ?= c', 'a =? b ?= c'],
  ]
  for (const [raw, decoded] of cases) assert.equal(decodeHeaderValue(raw), decoded)
})

test('Unicode is written as encoded words of at most 75 characters, which mean the same', () => {
  const long = 'Grüße 😀 '.repeat(30)
  const encoded = encodeHeaderValue(long)
  for (const word of encoded.split(' ')) assert.ok(word.length <= 75)
  assert.equal(decodeHeaderValue(encoded), long)
  assert.equal(encodeHeaderValue('plain =?'), 'plain =?')
})
