import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Edits } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { memoryBody } from '../../../core/kit/message/body.ts'
import type { Line } from '../../support/logger.ts'
import { type Recorded, recorder, sampleEnvelope, sampleMessage } from '../../support/target.ts'
import { pipeline, told, watcher } from './support.ts'

const send = async (edits: readonly Edits[], conf = 'deliver_to &a', rcpts = ['u@a.example', 'v@a.example']) => {
  const log: Recorded[] = []
  const lines: Line[] = []
  const router = await pipeline(`check &editors\n${conf}`, {
    targets: { a: recorder(log, 'a').target, b: recorder(log, 'b').target },
    checks: { editors: edits.map((each, nth) => watcher(`x${nth}`, [], { message: { edits: each } })) },
    lines,
  })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  for (const rcpt of rcpts) await delivery.recipient(parseAddress(rcpt))
  await delivery.message(sampleMessage())
  await delivery.commit()
  return { log, lines }
}

test('changes of several checks are made in their order', async () => {
  const add = (field: string): Edits => ({
    message: (message) => ({ ...message, header: message.header.prepend(field) }),
  })
  const { log } = await send([add('One: 1\r\n'), add('Two: 2\r\n')])
  const content = log.find(({ event }) => event === 'message')?.content?.toString()
  assert.equal(content, 'Two: 2\r\nOne: 1\r\nFrom: <a@a.example>\r\n\r\nHello\r\n')
})

test('a new body is delivered in place of the old', async () => {
  const { log } = await send([{ message: (message) => ({ ...message, body: memoryBody(Buffer.from('New\r\n')) }) }])
  assert.match(log.find(({ event }) => event === 'message')?.content?.toString() ?? '', /\r\n\r\nNew\r\n$/)
})

test('a new sender is told to targets that know the old one already', async () => {
  const { log } = await send([{ reversePath: parseAddress('t@t.example') }])
  const last = log.findLast(({ event }) => event === 'begin')
  assert.equal(last?.envelope?.reversePath?.local, 't')
  assert.deepEqual(told(log).slice(-5), [
    'a begin',
    'a rcpt u@a.example',
    'a rcpt v@a.example',
    'a message',
    'a commit',
  ])
})

test('a recipient that is taken away does not get the message', async () => {
  const { log } = await send([{ remove: [parseAddress('U@a.example')] }])
  assert.deepEqual(told(log).slice(-4), ['a begin', 'a rcpt v@a.example', 'a message', 'a commit'])
})

test('a message whose recipients are all taken away is given to nobody', async () => {
  const { log } = await send([{ remove: [parseAddress('u@a.example'), parseAddress('v@a.example')] }])
  assert.ok(!told(log).some((line) => /message|commit/.test(line)))
})

test('a recipient that is added goes its own way', async () => {
  const conf =
    'destination a.example { deliver_to &a }\ndestination b.example { deliver_to &b }\ndefault_destination { reject }'
  const { log } = await send([{ add: [parseAddress('w@b.example')] }], conf)
  assert.ok(told(log).includes('b rcpt w@b.example'))
  assert.equal(told(log).filter((line) => line.endsWith('commit')).length, 2)
})

test('a recipient that is added and has no way is told to the log, and the others get the message', async () => {
  const conf = 'destination a.example { deliver_to &a }\ndefault_destination { reject }'
  const { log, lines } = await send([{ add: [parseAddress('w@b.example')] }], conf)
  assert.ok(told(log).includes('a commit'))
  assert.ok(lines.some(({ event }) => event === 'recipient was not added'))
})

test('a recipient that is there already is not added twice', async () => {
  const { log } = await send([{ add: [parseAddress('U@a.example')] }])
  assert.equal(told(log).filter((line) => line.includes('rcpt')).length, 2)
})
