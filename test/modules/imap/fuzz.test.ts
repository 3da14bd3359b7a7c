import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Arguments, type Piece } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import { readItems } from '../../../modules/imap/fetch/items.ts'
import { readList } from '../../../modules/imap/list/request.ts'
import { imapServer } from '../../support/imap_server.ts'
import { dialImap } from '../../support/imap_wire.ts'

/** Words that lead deep into the parser. */
const words = [
  'LOGIN', 'SELECT', 'FETCH', 'UID', 'STORE', 'SEARCH', 'LIST', 'APPEND', 'SORT', 'THREAD', 'COPY', 'MOVE', 'STATUS', 'IDLE',
  'DONE', 'INBOX', '1', '1:*', '*', '(', ')', '[', ']', '<', '>', '"', '\\', '{', '}', '{3}', '{3+}', '~{3+}', ' ', '\r\n', '\r',
  '\n', '\0', '\xff', 'BODY[', 'HEADER.FIELDS', 'FLAGS', '\\Seen', 'OR', 'NOT', 'NIL', '&', '&-', 'RETURN', 'CHARSET', 'UTF-8',
  'a1', 'a2', '4294967296', '%', '.', 'USE', 'ENVELOPE', 'NOOP', 'CREATE', 'RENAME', 'EXPUNGE', 'CLOSE', 'ID', 'ENABLE',
] // biome-ignore format: a list of words

const line = fc.array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 4 })), { maxLength: 20 })
const text = line.map((parts) => Buffer.from(parts.join(''), 'latin1').toString('latin1'))

const pieces = fc
  .array(fc.oneof(text, fc.uint8Array({ maxLength: 8 })))
  .map((list): Piece[] =>
    list.map((piece) => (typeof piece === 'string' ? piece : { size: piece.length, bytes: piece })),
  )

test('no arguments make the readers throw anything but BAD', () => {
  const readers: readonly ((args: Arguments) => unknown)[] = [
    (args) => args.astring(),
    (args) => args.nstring(),
    (args) => args.mailbox(),
    (args) => args.pattern(),
    (args) => args.sequenceSet(),
    (args) => args.flagList(),
    (args) => args.date(),
    (args) => args.dateTime(),
    (args) => args.number(),
    (args) => readItems(args),
    (args) => readList(args),
  ]
  fc.assert(
    fc.property(pieces, fc.constantFrom(...readers), (list, read) => {
      try {
        read(new Arguments(list))
      } catch (error) {
        assert.ok(error instanceof ImapError && error.status === 'BAD', String(error))
      }
    }),
    { numRuns: 3000, seed: 20 },
  )
})

test('random bytes neither hang nor break a session, nor the server', { timeout: 60_000 }, async () => {
  await using server = await imapServer({ limits: { mistakes: 1000, strangerMistakes: 1000 } })
  const packets = fc.sample(fc.array(text, { maxLength: 30 }), { numRuns: 60, seed: 21 })
  for (const [round, lines] of packets.entries()) {
    await using client = await dialImap(server.port)
    await client.expect('* OK …')
    if (round % 3 > 0) await client.check('LOGIN user@example.org secret', 'OK …')
    if (round % 3 > 1) {
      await client.append('INBOX', 'Subject: x\r\n\r\nbody\r\n')
      await client.ok('SELECT INBOX')
    }
    client.send(`${lines.join('\r\n')}\r\n`)
    // Whatever state it is in, an end is found: a literal or IDLE takes some of these lines, a refusal answers them.
    client.send('DONE\r\nz1 LOGOUT\r\n'.repeat(20))
    assert.match(await client.rest(), /\* BYE /)
  }
  assert.deepEqual(
    server.lines.filter(({ level, event }) => level === 'error' && event !== 'I/O error'),
    [],
  )
  await using client = await server.logIn()
  await client.check('NOOP', 'OK …')
})

test('commands made of the right words in the wrong places are answered one by one', { timeout: 60_000 }, async () => {
  await using server = await imapServer({ limits: { mistakes: 1_000_000 } })
  await using client = await server.logIn()
  await client.append('INBOX', 'Subject: x\r\n\r\nbody\r\n')
  await client.ok('SELECT INBOX')
  const usable = words.filter((word) => !/[\r\n\0]|^\{|^~|IDLE|CLOSE|RENAME|SELECT|EXPUNGE|MOVE/.test(word))
  const commands = fc.sample(fc.array(fc.constantFrom(...usable, ' ', ' ', ' '), { minLength: 1, maxLength: 14 }), {
    numRuns: 600,
    seed: 22,
  })
  for (const parts of commands) {
    const answer = (await client.command(parts.join(''))).at(-1) ?? ''
    assert.match(answer, /^(OK|NO|BAD) /, parts.join(''))
    assert.doesNotMatch(answer, /SERVERBUG|UNAVAILABLE/, parts.join(''))
  }
})
