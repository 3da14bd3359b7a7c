import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { Arguments, type Piece } from '../../../core/kit/imap/arguments.ts'
import { type ReadOptions, RefusedCommand, readCommand } from '../../../core/kit/imap/command_reader.ts'
import { ImapBye, ImapError } from '../../../core/kit/imap/error.ts'
import { Input, Silence } from '../../../core/kit/imap/input.ts'

/** Reads commands from text that comes in the given packets; literals above 50 octets are refused. */
const reader = (...packets: string[]) => {
  const stream = new PassThrough()
  const asked: number[] = []
  const input = new Input(stream, async () => {
    const next = packets.shift()
    if (next === undefined) stream.end()
    else stream.write(Buffer.from(next, 'latin1'))
  })
  const options: ReadOptions = {
    lineLimit: 200,
    commandLimit: 400,
    dropLimit: 1000,
    async literal(_before, { size, binary }, take): Promise<Piece> {
      if (size > 50) throw new ImapError('NO', 'TOOBIG', 'too big')
      if (binary) throw ImapError.bad('no binary')
      const chunks: Uint8Array[] = []
      for await (const chunk of take()) chunks.push(chunk)
      return { size, bytes: Buffer.concat(chunks) }
    },
  }
  const next = () =>
    readCommand(
      input,
      async () => {
        asked.push(1)
      },
      options,
    )
  return { next, asked, input }
}

const refused = (status: string, tag: string | undefined) => (error: unknown) => {
  assert.ok(error instanceof RefusedCommand && error.cause instanceof ImapError, String(error))
  assert.equal(error.cause.status, status)
  assert.equal(error.tag, tag)
  return true
}

test('commands come one after another, however they are packed', async () => {
  const { next } = reader('a NO', 'OP\r', '\nb NOOP\r\nc ', 'X "y"\r\n')
  assert.deepEqual(await next(), { tag: 'a', pieces: ['NOOP'] })
  assert.deepEqual(await next(), { tag: 'b', pieces: ['NOOP'] })
  assert.deepEqual(await next(), { tag: 'c', pieces: ['X "y"'] })
  assert.equal(await next(), undefined)
})

test('a line may end with LF alone', async () => {
  assert.deepEqual(await reader('a NOOP\n').next(), { tag: 'a', pieces: ['NOOP'] })
})

test('a literal is asked for, unless it comes at once', async () => {
  const { next, asked } = reader('a LOGIN {4}\r\n', 'user {2+}\r\npw\r\n')
  const { pieces = [] } = (await next()) ?? {}
  const args = new Arguments(pieces)
  assert.equal(args.atom(), 'LOGIN')
  args.space()
  assert.equal(args.astring(), 'user')
  args.space()
  assert.equal(args.astring(), 'pw')
  args.end()
  assert.equal(asked.length, 1)
})

test('a literal that is refused is not asked for, and the next command is read', async () => {
  const { next, asked } = reader('a X {60}\r\nb NOOP\r\n')
  await assert.rejects(next(), refused('NO', 'a'))
  assert.deepEqual(await next(), { tag: 'b', pieces: ['NOOP'] })
  assert.equal(asked.length, 0)
})

test('a literal that is refused and comes all the same is dropped with all that belongs to it', async () => {
  const { next } = reader(`a X {60+}\r\n${'y'.repeat(60)} {3+}\r\nabc z\r\nb NOOP\r\n`)
  await assert.rejects(next(), refused('NO', 'a'))
  assert.deepEqual(await next(), { tag: 'b', pieces: ['NOOP'] })
})

test('a literal too large to be dropped ends the connection', async () => {
  await assert.rejects(reader('a X {1001+}\r\n').next(), ImapBye)
  await assert.rejects(reader('a X {99999999999999+}\r\n').next(), ImapBye)
})

test('a line that is too long is refused, and its end found', async () => {
  const { next } = reader(`a ${'x'.repeat(300)}`, 'y'.repeat(500), '\r\nb NOOP\r\n')
  await assert.rejects(next(), refused('BAD', 'a'))
  assert.deepEqual(await next(), { tag: 'b', pieces: ['NOOP'] })
})

test('a line without end ends the connection', async () => {
  await assert.rejects(reader('x'.repeat(200 * 17)).next(), ImapBye)
})

test('lines and literals of one command together are limited', async () => {
  const { next } = reader(`a ${'X {50+}\r\n'.padEnd(60, 'y').repeat(10)}\r\nb NOOP\r\n`)
  await assert.rejects(next(), refused('BAD', 'a'))
})

test('NUL and bare CR are refused, in literals too', async () => {
  for (const text of ['a X\0\r\n', 'a X\rY\r\n', 'a X {3+}\r\na\0b\r\n']) {
    const { next } = reader(`${text}b NOOP\r\n`)
    await assert.rejects(next(), refused('BAD', 'a'))
    assert.deepEqual(await next(), { tag: 'b', pieces: ['NOOP'] })
  }
})

test('a command without a tag is refused without one', async () => {
  for (const text of ['\r\n', ' NOOP\r\n', '* NOOP\r\n', '+ NOOP\r\n', '(a) NOOP\r\n', '\xff NOOP\r\n']) {
    await assert.rejects(reader(text).next(), refused('BAD', undefined))
  }
})

test('a connection that ends within a command has no more to say', async () => {
  await assert.rejects(reader('a X {5+}\r\nab').next(), ImapBye)
  await assert.rejects(reader('a X {2+}\r\nab').next(), ImapBye)
  assert.equal(await reader('a NOO').next(), undefined)
})

test('a client that says nothing is given up', async () => {
  const input = new Input(new PassThrough(), async () => {})
  input.timeout = 5
  await assert.rejects(input.line(100), Silence)
})
