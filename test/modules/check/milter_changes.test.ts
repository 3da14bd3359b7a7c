import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseHeader } from '../../../core/kit/message/index.ts'
import { steps } from '../../../core/kit/milter/index.ts'
import { carryOn, number, options, packet } from '../../kit/milter/filter.ts'
import { sampleMessage } from '../../support/target.ts'
import { addresses, filtered, outcome, said } from './milter_support.ts'

const message = sampleMessage('A: 1\r\nB: 1\r\n\tfolded\r\nA: 2\r\nC: 1\r\n', 'old\r\n')
const top = 'A: 1\r\nB: 1\r\n\tfolded\r\nA: 2\r\nC: 1\r\n'

/** The message after these changes. */
const changed = async (...changes: readonly Uint8Array[]): Promise<string> => {
  await using made = await filtered({ E: Buffer.concat([...changes, carryOn]) })
  await using judged = await made.show({ message })
  assert.equal(said(judged.verdict), 'nothing')
  return await outcome(judged.verdict, message)
}

const add = (name: string, value: string) => packet('h', `${name}\0${value}\0`)
const insert = (index: number, name: string, value: string) => packet('i', number(index), `${name}\0${value}\0`)
const change = (index: number, name: string, value: string) => packet('m', number(index), `${name}\0${value}\0`)

const headers: readonly [string, readonly Uint8Array[], string][] = [
  ['a field is added on top', [add('X', ' 1')], `X: 1\r\n${top}`],
  ['each field that is added goes above those before', [add('X', ' 1'), add('Y', ' 2')], `Y: 2\r\nX: 1\r\n${top}`],
  ['the folds of a field are kept', [add('X', ' 1\n  2\n\t3')], `X: 1\r\n  2\r\n\t3\r\n${top}`],
  [
    'a value cannot smuggle in another field',
    [add('X', ' 1\r\nEvil: 2\n\nbody')],
    `X: 1\r\n\tEvil: 2\r\n\tbody\r\n${top}`,
  ],
  ['a lone CR in a value becomes a blank', [add('X', ' 1\r2\r')], `X: 1 2\r\n${top}`],
  ['an empty value may be added', [add('X', '')], `X:\r\n${top}`],
  ['a field is inserted on top of all', [insert(0, 'X', ' 1')], `X: 1\r\n${top}`],
  ['a field is inserted where the trace of the server will be', [insert(1, 'X', ' 1')], `X: 1\r\n${top}`],
  ['a field is inserted in the middle', [insert(3, 'X', ' 1')], 'A: 1\r\nB: 1\r\n\tfolded\r\nX: 1\r\nA: 2\r\nC: 1\r\n'],
  ['a field is inserted at the end', [insert(5, 'X', ' 1')], `${top}X: 1\r\n`],
  ['a field is inserted beyond the end', [insert(4_000_000_000, 'X', ' 1')], `${top}X: 1\r\n`],
  [
    'fields that were inserted count for those that follow',
    [insert(1, 'X', ' 1'), insert(2, 'Y', ' 2')],
    `X: 1\r\nY: 2\r\n${top}`,
  ],
  ['a field is changed', [change(1, 'b', ' new')], 'A: 1\r\nb: new\r\nA: 2\r\nC: 1\r\n'],
  ['the second field of a name is changed', [change(2, 'A', ' new')], 'A: 1\r\nB: 1\r\n\tfolded\r\nA: new\r\nC: 1\r\n'],
  ['a field that there is not is added by changing it', [change(3, 'A', ' 3')], `A: 3\r\n${top}`],
  ['a field is deleted', [change(1, 'B', '')], 'A: 1\r\nA: 2\r\nC: 1\r\n'],
  ['the first field is deleted', [change(1, 'A', '')], 'B: 1\r\n\tfolded\r\nA: 2\r\nC: 1\r\n'],
  ['the deletion of a field that there is not changes nothing', [change(3, 'A', '')], top],
  [
    'after a deletion the next of that name is the first',
    [change(1, 'A', ''), change(1, 'A', '')],
    'B: 1\r\n\tfolded\r\nC: 1\r\n',
  ],
  ['a field that was added counts last of its name', [add('A', ' 3'), change(3, 'A', ' 4')], `A: 4\r\n${top}`],
  ['a field that was added may be deleted', [add('X', ' 3'), change(1, 'X', '')], top],
  ['all fields may be deleted', [change(2, 'A', ''), change(1, 'A', ''), change(1, 'B', ''), change(1, 'C', '')], ''],
]

for (const [title, changes, expected] of headers) {
  test(title, async () => {
    assert.equal(await changed(...changes), `${expected}\r\nold\r\n`)
  })
}

test('a blank goes after the colon when the filter does not care for it', async () => {
  await using made = await filtered({
    O: options(0),
    E: Buffer.concat([add('X', '1'), change(1, 'C', 'c'), carryOn]),
  })
  await using judged = await made.show({ message })
  assert.equal(
    await outcome(judged.verdict, message),
    'X: 1\r\nA: 1\r\nB: 1\r\n\tfolded\r\nA: 2\r\nC: c\r\n\r\nold\r\n',
  )
})

test('bytes above 127 are left as they are', async () => {
  const field = packet('h', 'X\0', Buffer.from([0x20, 0xfc, 0]))
  await using made = await filtered({ E: Buffer.concat([field, carryOn]) })
  await using judged = await made.show({ message })
  assert.deepEqual(Buffer.from(judged.verdict?.fields?.[0] ?? ''), Buffer.from('X: \xfc\r\n', 'latin1'))
})

test('what another check has put on top does not move the changes of the filter', async () => {
  await using made = await filtered({ E: Buffer.concat([change(1, 'A', ' new'), insert(3, 'X', ' 1'), carryOn]) })
  await using judged = await made.show({ message })
  const other = { ...message, header: message.header.prepend('A: other\r\n') }
  const edited = judged.verdict?.edits?.message?.(other)
  assert.equal(
    Buffer.from(edited?.header.bytes() ?? []).toString(),
    'A: other\r\nA: new\r\nB: 1\r\n\tfolded\r\nX: 1\r\nA: 2\r\nC: 1\r\n',
  )
})

test('the changes of two filters go together', async () => {
  await using one = await filtered({ E: Buffer.concat([change(1, 'B', ' one'), insert(3, 'X', ' 1'), carryOn]) })
  await using two = await filtered({ E: Buffer.concat([change(1, 'C', ' two'), packet('b', 'new\r\n'), carryOn]) })
  await using first = await one.show({ message })
  await using second = await two.show({ message })
  const edited = first.verdict?.edits?.message?.(message) ?? message
  assert.equal(await outcome(second.verdict, edited), 'A: 1\r\nB: one\r\nX: 1\r\nA: 2\r\nC: two\r\n\r\nnew\r\n')
})

test('a message without a header gets one', async () => {
  await using made = await filtered({ E: Buffer.concat([insert(5, 'X', ' 1'), carryOn]) })
  const bare = { ...message, header: parseHeader(Buffer.alloc(0)) }
  await using judged = await made.show({ message: bare })
  assert.equal(await outcome(judged.verdict, bare), 'X: 1\r\n\r\nold\r\n')
})

for (const name of ['', 'a b', 'a:', 'ü']) {
  test(`${JSON.stringify(name)} is no name of a field, and makes no field`, async () => {
    await using made = await filtered({ E: Buffer.concat([add(name, ' 1'), carryOn]) })
    await using judged = await made.show({ message })
    assert.equal(said(judged.verdict), 'reject 451 4.7.1 I/O error during policy check')
  })
}

test('a new body takes the place of the old', async () => {
  const body = Buffer.concat([packet('b', 'new '), packet('b', 'body\r\n')])
  assert.equal(await changed(body), `${top}\r\nnew body\r\n`)
})

test('a new body may be empty', async () => {
  assert.equal(await changed(packet('b')), `${top}\r\n`)
})

test('a large new body is in a file until the message is done with', async () => {
  const piece = Buffer.alloc(65_535, 'x')
  await using made = await filtered({
    E: Buffer.concat([...Array.from({ length: 33 }, () => packet('b', piece)), carryOn]),
  })
  const buffer = join(made.directory, 'buffer')
  {
    await using judged = await made.show({ message })
    const edited = judged.verdict?.edits?.message?.(message)
    assert.equal(edited?.body.size, 33 * 65_535)
    assert.equal(edited?.body.memory, undefined)
    assert.equal((await readdir(buffer)).length, 1)
    assert.ok((await outcome(judged.verdict, message)).endsWith(`\r\n\r\n${'x'.repeat(33 * 65_535)}`))
  }
  assert.deepEqual(await readdir(buffer), [])
})

test('a new body that is larger than it may be is not taken, and leaves nothing behind', async () => {
  const piece = packet('b', Buffer.alloc(65_535))
  const E = Buffer.concat([...Array.from({ length: 33 }, () => piece), carryOn])
  await using made = await filtered({ E }, { directives: 'max_body_size 2M' })
  {
    await using judged = await made.show({ message })
    assert.equal(said(judged.verdict), 'reject 451 4.7.1 I/O error during policy check')
    assert.equal(judged.verdict?.edits, undefined)
  }
  assert.deepEqual(await readdir(join(made.directory, 'buffer')), [])
})

test('sender and recipients are changed', async () => {
  const changes = [
    packet('e', '<S@xn--bcher-kva.Example>\0SIZE=1\0'),
    packet('+', '<c@c.example>\0'),
    packet('2', 'd@d.example\0NOTIFY=NEVER\0'),
    packet('+', '<e@e.example>\0'),
    packet('-', '<e@e.example>\0'),
    packet('-', '<b@b.example>\0'),
  ]
  await using made = await filtered({ E: Buffer.concat([...changes, carryOn]) })
  await using judged = await made.show({ message })
  const { edits } = judged.verdict ?? {}
  assert.deepEqual(edits?.reversePath, { local: 'S', domain: 'bücher.example' })
  assert.deepEqual(addresses(edits?.add), ['c@c.example', 'd@d.example'])
  assert.deepEqual(addresses(edits?.remove), ['e@e.example', 'b@b.example'])
  assert.equal(edits?.message, undefined)
})

test('the sender may become the empty one', async () => {
  await using made = await filtered({ E: Buffer.concat([packet('e', '<>\0'), carryOn]) })
  await using judged = await made.show({ message })
  assert.equal(judged.verdict?.edits?.reversePath, null)
})

for (const bad of [packet('+', '<>\0'), packet('+', 'nobody\0'), packet('e', '<@>\0'), packet('-', '\0')]) {
  test(`${JSON.stringify(bad.toString('latin1', 4))} names nobody, and nothing is changed`, async () => {
    await using made = await filtered({ E: Buffer.concat([bad, carryOn]) }, { directives: 'fail_open yes' })
    await using judged = await made.show({ message })
    assert.equal(judged.verdict, undefined)
  })
}

test('a filter quarantines, and may add fields all the same', async () => {
  await using made = await filtered({ E: Buffer.concat([packet('q', 'smells\0'), add('X', ' 1'), carryOn]) })
  await using judged = await made.show({ message })
  assert.equal(judged.verdict?.action, 'quarantine')
  assert.equal(judged.verdict?.reason?.fields.filter_reason, 'smells')
  assert.equal(judged.verdict?.fields?.length, 1)
})

test('to quarantine and to reject is to quarantine', async () => {
  await using made = await filtered({ E: Buffer.concat([packet('q', 'smells\0'), packet('r')]) })
  await using judged = await made.show({ message })
  assert.equal(judged.verdict?.action, 'quarantine')
})

test('changes are asked for in vain when the filter breaks off', async () => {
  await using made = await filtered(
    { E: Buffer.concat([add('X', ' 1'), packet('b', 'new'), packet('X')]), O: options(steps.leadingSpace) },
    { directives: 'fail_open yes' },
  )
  await using judged = await made.show({ message })
  assert.equal(judged.verdict, undefined)
})
