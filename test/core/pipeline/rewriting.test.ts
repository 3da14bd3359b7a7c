import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Modifier } from '../../../core/index.ts'
import { SmtpError } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import type { Line } from '../../support/logger.ts'
import { type Recorded, recorder, sampleEnvelope, sampleMessage } from '../../support/target.ts'
import { pipeline, replacing, told, type World } from './support.ts'

const send = async (conf: string, world: World, rcpts: readonly string[], from = 's@s.example') => {
  const log: Recorded[] = []
  const targets = { a: recorder(log, 'a').target, b: recorder(log, 'b').target, ...world.targets }
  const router = await pipeline(conf, { ...world, targets })
  await using delivery = await router.begin(sampleEnvelope(from))
  for (const rcpt of rcpts) await delivery.recipient(parseAddress(rcpt))
  const failed = await delivery.message(sampleMessage())
  await delivery.commit()
  return { log, failed }
}

const rcptsOf = (log: readonly Recorded[]) => log.flatMap(({ rcpt, target }) => (rcpt ? [`${target} ${rcpt}`] : []))

test('a sender that is rewritten for every message chooses its new source', async () => {
  const conf = `
    modify &m
    source t.example { deliver_to &b }
    default_source { deliver_to &a }`
  const { log } = await send(conf, { modifiers: { m: replacing({ 's@s.example': 's@t.example' }, {}) } }, [
    'u@a.example',
  ])
  assert.deepEqual(rcptsOf(log), ['b u@a.example'])
})

test('a sender that its source rewrites is what targets see', async () => {
  const conf = 'default_source {\n modify &m\n deliver_to &a\n}'
  const { log } = await send(conf, { modifiers: { m: replacing({ 's@s.example': 't@t.example' }, {}) } }, [
    'u@a.example',
  ])
  assert.equal(log[0]?.envelope?.reversePath?.domain, 't.example')
  assert.equal(log[0]?.envelope?.originalReversePath, 's@s.example')
})

test('a destination cannot rewrite the sender, and the log says so', async () => {
  const lines: Line[] = []
  const conf = 'destination a.example {\n modify &m\n deliver_to &a\n}\ndefault_destination { reject }'
  const modifiers = { m: replacing({ 's@s.example': 't@t.example' }, {}) }
  const { log } = await send(conf, { modifiers, lines }, ['u@a.example'])
  assert.equal(log[0]?.envelope?.reversePath?.domain, 's.example')
  assert.ok(lines.some(({ event }) => event === 'a modifier of a destination cannot change the sender'))
})

test('a recipient that is rewritten before goes the way of the new address', async () => {
  const conf = `
    modify &m
    destination x.example { deliver_to &a }
    destination y.example { deliver_to &b }
    default_destination { reject }`
  const { log } = await send(conf, { modifiers: { m: replacing({}, { 'u@x.example': ['u@y.example'] }) } }, [
    'u@x.example',
  ])
  assert.deepEqual(rcptsOf(log), ['b u@y.example'])
  assert.equal(log.find(({ rcpt }) => rcpt)?.original, 'u@x.example')
})

test('a recipient that its destination rewrites stays with its targets', async () => {
  const conf = `
    destination x.example {
      modify &m
      deliver_to &a
    }
    destination y.example { deliver_to &b }
    default_destination { reject }`
  const { log } = await send(conf, { modifiers: { m: replacing({}, { 'u@x.example': ['u@y.example'] }) } }, [
    'u@x.example',
  ])
  assert.deepEqual(rcptsOf(log), ['a u@y.example'])
})

test('with reroute the new address finds its own way', async () => {
  const conf = `
    destination x.example {
      modify &m
      reroute {
        destination y.example { deliver_to &b }
        default_destination { deliver_to &a }
      }
    }
    default_destination { reject }`
  const { log } = await send(conf, { modifiers: { m: replacing({}, { 'u@x.example': ['u@y.example'] }) } }, [
    'u@x.example',
  ])
  assert.deepEqual(rcptsOf(log), ['b u@y.example'])
})

test('modifiers work one after another, each on every address the one before made', async () => {
  const modifiers = {
    one: replacing({}, { 'list@a.example': ['x@a.example', 'y@a.example'] }),
    two: replacing({}, { 'y@a.example': ['y1@a.example', 'y2@a.example'] }),
  }
  const { log } = await send('modify &one\nmodify &two\ndeliver_to &a', { modifiers }, ['list@a.example'])
  assert.deepEqual(rcptsOf(log), ['a x@a.example', 'a y1@a.example', 'a y2@a.example'])
})

test('an alias with a member that is refused is refused, and no member stays behind in a target', async () => {
  const log: Recorded[] = []
  const refuse = {
    rcpt: (to: string) => (to === 'bad@a.example' ? SmtpError.permanent(550, '5.1.1', 'No') : undefined),
  }
  const router = await pipeline('modify &m\ndeliver_to &a', {
    targets: { a: recorder(log, 'a', refuse).target },
    modifiers: { m: replacing({}, { 'list@a.example': ['good@a.example', 'bad@a.example'] }) },
  })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  await assert.rejects(delivery.recipient(parseAddress('list@a.example')), { code: 550 })
  await delivery.recipient(parseAddress('other@a.example'))
  await delivery.message(sampleMessage())
  await delivery.commit()
  assert.deepEqual(told(log).slice(-4), ['a begin', 'a rcpt other@a.example', 'a message', 'a commit'])
})

test('an alias with a member whose destination rejects is refused with that code', async () => {
  const log: Recorded[] = []
  const conf = `
    modify &m
    destination a.example { deliver_to &a }
    default_destination { reject 551 5.7.1 }`
  const router = await pipeline(conf, {
    targets: { a: recorder(log, 'a').target },
    modifiers: { m: replacing({}, { 'list@a.example': ['good@a.example', 'bad@b.example'] }) },
  })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  await assert.rejects(delivery.recipient(parseAddress('list@a.example')), { code: 551, enhanced: '5.7.1' })
  assert.deepEqual(log, [])
})

test('a recipient that the second of two targets refuses does not stay in the first', async () => {
  const log: Recorded[] = []
  const refuse = { rcpt: (to: string) => (to === 'u@a.example' ? SmtpError.permanent(550, '5.1.1', 'No') : undefined) }
  const targets = { a: recorder(log, 'a').target, b: recorder(log, 'b', refuse).target }
  const router = await pipeline('deliver_to &a\ndeliver_to &b', { targets })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  await assert.rejects(delivery.recipient(parseAddress('u@a.example')), { code: 550 })
  await delivery.message(sampleMessage())
  await delivery.commit()
  assert.deepEqual(
    told(log).filter((line) => line.includes('message') || line.includes('commit')),
    [],
  )
})

test('a member that fails at the content fails the address that was given', async () => {
  const failing: Recorded[] = []
  const failTo = parseAddress('list@a.example')
  const inner = recorder(failing, 'a').target
  const target = {
    async begin(envelope: Parameters<typeof inner.begin>[0]) {
      const delivery = await inner.begin(envelope)
      const taken: ReturnType<typeof parseAddress>[] = []
      return {
        ...delivery,
        async recipient(to: (typeof taken)[number]) {
          taken.push(to)
          await delivery.recipient(to)
        },
        message: async () => new Map(taken.slice(1).map((to) => [to, SmtpError.permanent(552, '5.2.2', 'Full')])),
        [Symbol.asyncDispose]: () => delivery[Symbol.asyncDispose](),
      }
    },
  }
  const modifiers = { m: replacing({}, { 'list@a.example': ['x@a.example', 'y@a.example'] }) }
  const router = await pipeline('modify &m\ndeliver_to &t', { targets: { t: target }, modifiers })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  await delivery.recipient(failTo)
  const failed = await delivery.message(sampleMessage())
  assert.deepEqual(
    [...failed].map(([to, { code }]) => [to === failTo, code]),
    [[true, 552]],
  )
})

test('fields of modifiers stand on top, those of the innermost block first', async () => {
  const adding = (field: string): Modifier => ({
    begin: () => ({ message: async (message) => ({ ...message, header: message.header.prepend(`${field}: x\r\n`) }) }),
  })
  const conf = `
    modify &root
    default_source {
      modify &source
      destination a.example {
        modify &destination
        deliver_to &a
      }
      default_destination { reject }
    }`
  const modifiers = { root: adding('Root'), source: adding('Source'), destination: adding('Destination') }
  const { log } = await send(conf, { modifiers, entry: { hideClient: false } }, ['u@a.example'])
  const content = log.find(({ event }) => event === 'message')?.content?.toString() ?? ''
  assert.match(content, /^Destination: x\r\nSource: x\r\nRoot: x\r\nReceived: /)
})

test('a modifier that cannot answer refuses the recipient for now', async () => {
  const broken: Modifier = { begin: () => ({ recipient: () => Promise.reject(new Error('the database is down')) }) }
  const router = await pipeline('modify &m\ndeliver_to dummy', { modifiers: { m: broken } })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  await assert.rejects(delivery.recipient(parseAddress('u@a.example')), /the database is down/)
})
