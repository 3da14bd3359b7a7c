import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Arguments, type Piece } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'

const literal = (text: string): Piece => {
  const bytes = Buffer.from(text, 'latin1')
  return { size: bytes.length, bytes }
}

const utf8 = (text: string) => Buffer.from(text).toString('latin1')

const refuses = (read: (args: Arguments) => unknown, ...pieces: Piece[]) =>
  assert.throws(
    () => read(new Arguments(pieces)),
    (error) => error instanceof ImapError && error.status === 'BAD',
    JSON.stringify(pieces),
  )

test('a string may be an atom, quoted or a literal', () => {
  assert.equal(new Arguments(['abc]']).astring(), 'abc]')
  assert.equal(new Arguments(['"a \\"b\\\\ c"']).astring(), 'a "b\\ c')
  assert.equal(new Arguments(['', literal('x\r\ny'), '']).astring(), 'x\r\ny')
  assert.equal(new Arguments(['""']).astring(), '')
})

test('strings are UTF-8', () => {
  assert.equal(new Arguments([`"${utf8('Grüße')}"`]).string(), 'Grüße')
  assert.equal(new Arguments(['', literal(utf8('日本'))]).string(), '日本')
  refuses((args) => args.string(), '"\xff"')
})

test('what a string cannot be is refused', () => {
  for (const text of ['', ' a', '(a', '"open', '"\\x"', '{3}']) refuses((args) => args.astring(), text)
  for (const text of ['abc', 'NIL', '"open']) refuses((args) => args.string(), text)
})

test('NIL is no string, but a word that begins with it may be one', () => {
  assert.equal(new Arguments(['nil']).nstring(), null)
  assert.equal(new Arguments(['"NIL"']).nstring(), 'NIL')
  refuses((args) => args.nstring(), 'NILS')
})

test('a mailbox name is decoded, and INBOX known in any case, with children too', () => {
  assert.equal(new Arguments(['inBox']).mailbox(), 'INBOX')
  assert.equal(new Arguments(['"inbox.Sub"']).mailbox(), 'INBOX.Sub')
  assert.equal(new Arguments(['Inboxes']).mailbox(), 'Inboxes')
  assert.equal(new Arguments(['Entw&APw-rfe']).mailbox(), 'Entwürfe')
  refuses((args) => args.mailbox(), 'Entw&APw')
})

test('a pattern may have wildcards where it is no string', () => {
  assert.equal(new Arguments(['a.%*']).pattern(), 'a.%*')
  refuses((args) => args.astring() && args.end(), 'a.%')
})

test('numbers are bounded', () => {
  assert.equal(new Arguments(['42']).number(), 42)
  for (const text of ['x', '', '-1', '12345678901234567890']) refuses((args) => args.number(), text)
  refuses((args) => args.nzNumber(), '0')
})

test('flags have their usual spelling, keywords the one given', () => {
  assert.deepEqual(new Arguments(['(\\SEEN $Junk kW)']).flagList(), ['\\Seen', '$Junk', 'kW'])
  assert.deepEqual(new Arguments(['()']).flagList(), [])
  for (const text of ['(\\)', '(a  b)', '(a', '(a b )', '\\Seen']) refuses((args) => args.flagList(), text)
})

test('lists may be nested only so deep', () => {
  const nest = (args: Arguments): unknown => (args.next('(') ? args.list(() => nest(args)) : args.atom())
  assert.deepEqual(nest(new Arguments(['((a b) c)'])), [['a', 'b'], 'c'])
  refuses(nest, `${'('.repeat(100_000)}`)
})

test('a literal stands where a string may, and nowhere else', () => {
  const args = new Arguments(['', literal('INBOX'), ' (', literal('x'), ')'])
  assert.equal(args.mailbox(), 'INBOX')
  args.space()
  assert.deepEqual(
    args.list(() => args.astring()),
    ['x'],
  )
  args.end()
  refuses((other) => other.atom(), '', literal('x'))
  refuses((other) => other.end(), '', literal('x'))
})

test('blanks at the end of a command do no harm, anything else does', () => {
  const args = new Arguments(['a  '])
  args.atom()
  args.end()
  refuses((other) => other.atom() && other.end(), 'a b')
})

test('dates are read with quotes and without', () => {
  assert.equal(new Arguments(['1-Feb-1994']).date(), Date.UTC(1994, 1, 1))
  assert.equal(new Arguments(['"1-Feb-1994"']).date(), Date.UTC(1994, 1, 1))
  refuses((args) => args.date(), '1-Foo-1994')
  refuses((args) => args.dateTime(), '"1-Feb-1994"')
})
