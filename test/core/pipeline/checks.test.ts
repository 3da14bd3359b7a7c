import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Check, Verdict } from '../../../core/index.ts'
import { SmtpError } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import type { Line } from '../../support/logger.ts'
import { type Recorded, recorder, sampleEnvelope, sampleMessage } from '../../support/target.ts'
import { pipeline, replacing, told, type World, watcher } from './support.ts'

const policy = (code: 450 | 550 | 551 = 550) => SmtpError.given(code, `${code < 500 ? 4 : 5}.7.1`, `Policy ${code}`)
const refusal: Verdict = { action: 'reject', reason: policy() }
const suspicion: Verdict = { action: 'quarantine', reason: policy() }

/** Sends a message through, and tells what it was like on the other side. */
const send = async (conf: string, world: World = {}, rcpts: readonly string[] = ['u@a.example']) => {
  const log: Recorded[] = []
  const router = await pipeline(conf, {
    targets: { a: recorder(log, 'a').target, b: recorder(log, 'b').target },
    ...world,
  })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  for (const rcpt of rcpts) await delivery.recipient(parseAddress(rcpt))
  await delivery.message(sampleMessage())
  await delivery.commit()
  return log
}

test('a check is shown client, sender, recipients and content, in this order, and is closed', async () => {
  const seen: string[] = []
  await send('check &one\ndeliver_to &a', { checks: { one: [watcher('x', seen)] } }, ['u@a.example', 'v@a.example'])
  assert.deepEqual(seen, [
    'x connection',
    'x sender s@s.example',
    'x rcpt u@a.example',
    'x rcpt v@a.example',
    'x message',
    'x closed',
  ])
})

test('checks of every message come before those of a source, and these before those of a destination', async () => {
  const seen: string[] = []
  const conf = `
    check &root
    default_source {
      check &source
      destination a.example {
        check &destination
        deliver_to &a
      }
      default_destination { reject }
    }`
  const checks = {
    root: [watcher('root', seen)],
    source: [watcher('source', seen)],
    destination: [watcher('destination', seen)],
  }
  await send(conf, { checks })
  assert.deepEqual(
    seen.filter((line) => !line.endsWith('closed')),
    [
      'root connection',
      'root sender s@s.example',
      'source connection',
      'source sender s@s.example',
      'root rcpt u@a.example',
      'source rcpt u@a.example',
      'destination connection',
      'destination sender s@s.example',
      'destination rcpt u@a.example',
      'root message',
      'source message',
      'destination message',
    ],
  )
})

test('the checks of several lines are one list', async () => {
  const seen: string[] = []
  const checks = { one: [watcher('x', seen), watcher('y', seen)], two: [watcher('z', seen)] }
  await send('check &one\ncheck &two\ndeliver_to &a', { checks })
  assert.deepEqual(seen.slice(0, 6), [
    'x connection',
    'y connection',
    'z connection',
    'x sender s@s.example',
    'y sender s@s.example',
    'z sender s@s.example',
  ])
})

test('a check of a destination is shown the recipients before it, once each', async () => {
  const seen: string[] = []
  const conf = `
    destination a.example { deliver_to &a }
    destination b.example {
      check &late
      deliver_to &b
    }
    default_destination { reject }`
  const rcpts = ['u@a.example', 'u@b.example', 'u@b.example', 'v@b.example']
  await send(conf, { checks: { late: [watcher('late', seen)] } }, rcpts)
  assert.deepEqual(seen.slice(2, -2), ['late rcpt u@a.example', 'late rcpt u@b.example', 'late rcpt v@b.example'])
})

test('a check that stands in two blocks has one state, and sees the content once for each', async () => {
  const seen: string[] = []
  const shared = watcher('shared', seen)
  const conf = `
    check &shared
    destination a.example {
      check &shared
      deliver_to &a
    }
    default_destination { reject }`
  await send(conf, { checks: { shared: [shared] } })
  assert.deepEqual(seen, [
    'shared connection',
    'shared sender s@s.example',
    'shared rcpt u@a.example',
    'shared message',
    'shared message',
    'shared closed',
  ])
})

test('checks after rewriting see the sender that it made; those before see the one that came in', async () => {
  const seen: string[] = []
  const conf = `
    check &root
    modify &rename
    default_source {
      check &source
      modify &rename2
      destination a.example {
        check &destination
        deliver_to &a
      }
      default_destination { reject }
    }`
  const log = await send(conf, {
    checks: {
      root: [watcher('root', seen)],
      source: [watcher('source', seen)],
      destination: [watcher('destination', seen)],
    },
    modifiers: {
      rename: replacing({ 's@s.example': 't@s.example' }, {}),
      rename2: replacing({ 't@s.example': 'v@s.example' }, {}),
    },
  })
  assert.deepEqual(
    seen.filter((line) => line.includes('sender')),
    ['root sender s@s.example', 'source sender t@s.example', 'destination sender t@s.example'],
  )
  assert.equal(log[0]?.envelope?.reversePath?.local, 'v')
})

for (const stage of ['connection', 'sender'] as const) {
  test(`a refusal at the ${stage} stage refuses the sender, and the state is closed`, async () => {
    const seen: string[] = []
    const router = await pipeline('check &one\ndeliver_to &a', {
      checks: { one: [watcher('x', seen, { [stage]: refusal })] },
    })
    await assert.rejects(router.begin(sampleEnvelope('s@s.example')), { code: 550, message: 'Policy 550' })
    assert.equal(seen.at(-1), 'x closed')
  })
}

test('a refusal at the recipient stage refuses that recipient only', async () => {
  const log: Recorded[] = []
  const picky = watcher('x', [], { recipient: (to) => (to.startsWith('bad') ? refusal : undefined) })
  const router = await pipeline('check &one\ndeliver_to &a', {
    targets: { a: recorder(log, 'a').target },
    checks: { one: [picky] },
  })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  await delivery.recipient(parseAddress('good@a.example'))
  await assert.rejects(delivery.recipient(parseAddress('bad@a.example')), { code: 550 })
  await delivery.message(sampleMessage())
  await delivery.commit()
  assert.deepEqual(told(log), ['a begin', 'a rcpt good@a.example', 'a message', 'a commit'])
})

test('a recipient that a check has refused stays refused when the client names it again', async () => {
  const seen: string[] = []
  const picky = watcher('x', seen, { recipient: () => refusal })
  const router = await pipeline('check &one\ndeliver_to dummy', { checks: { one: [picky] } })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  await assert.rejects(delivery.recipient(parseAddress('u@a.example')), { code: 550 })
  await assert.rejects(delivery.recipient(parseAddress('u@a.example')), { code: 550 })
  assert.deepEqual(seen.slice(2), ['x rcpt u@a.example'])
})

for (const stage of ['connection', 'sender'] as const) {
  test(`a check of a destination that refuses at the ${stage} stage refuses every recipient there`, async () => {
    const log: Recorded[] = []
    const seen: string[] = []
    const conf = `
      destination a.example {
        check &late
        deliver_to &a
      }
      destination b.example { deliver_to &a }
      default_destination { reject }`
    const router = await pipeline(conf, {
      targets: { a: recorder(log, 'a').target },
      checks: { late: [watcher('polite', []), watcher('strict', seen, { [stage]: refusal })] },
    })
    await using delivery = await router.begin(sampleEnvelope('s@s.example'))
    await assert.rejects(delivery.recipient(parseAddress('u@a.example')), { code: 550 })
    await assert.rejects(delivery.recipient(parseAddress('v@a.example')), { code: 550 })
    await delivery.recipient(parseAddress('u@b.example'))
    assert.deepEqual(told(log), ['a begin', 'a rcpt u@b.example'])
    assert.equal(seen.filter((line) => line.startsWith(`strict ${stage}`)).length, 1)
  })
}

test('a check that was not done in time with a destination refuses every recipient there', async () => {
  const endless: Check = { name: 'y', timeout: 1, begin: () => ({ connection: () => new Promise(() => {}) }) }
  const conf = `
    destination a.example {
      check &late
      deliver_to dummy
    }
    default_destination { reject }`
  const router = await pipeline(conf, { checks: { late: [endless] } })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  await assert.rejects(delivery.recipient(parseAddress('u@a.example')), { code: 451 })
  await assert.rejects(delivery.recipient(parseAddress('v@a.example')), { code: 451 })
})

test('a check that is written twice in a place is shown everything once', async () => {
  const seen: string[] = []
  const conf = 'check &one\ncheck &one\ndeliver_to &a'
  await send(conf, { checks: { one: [watcher('x', seen)] } })
  assert.deepEqual(seen, ['x connection', 'x sender s@s.example', 'x rcpt u@a.example', 'x message', 'x closed'])
})

test('what other checks find in a recipient counts when one of them refuses it', async () => {
  const log: Recorded[] = []
  const bad = (verdict: Verdict) => ({ recipient: (to: string) => (to.startsWith('bad') ? verdict : undefined) })
  const field = { fields: ['X-Seen: yes\r\n'] }
  const router = await pipeline('check &two\ndeliver_to &a', {
    targets: { a: recorder(log, 'a').target },
    checks: { two: [watcher('x', [], bad(refusal)), watcher('y', [], bad({ ...suspicion, ...field }))] },
  })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  await assert.rejects(delivery.recipient(parseAddress('bad@a.example')), { code: 550 })
  await delivery.recipient(parseAddress('good@a.example'))
  await delivery.message(sampleMessage())
  assert.equal(log.find(({ event }) => event === 'message')?.quarantined, true)
})

test('a refusal of the content refuses the message for all, and nothing is given to a target', async () => {
  const log: Recorded[] = []
  const router = await pipeline('check &one\ndeliver_to &a', {
    targets: { a: recorder(log, 'a').target },
    checks: { one: [watcher('x', [], { message: refusal })] },
  })
  {
    await using delivery = await router.begin(sampleEnvelope('s@s.example'))
    await delivery.recipient(parseAddress('u@a.example'))
    await assert.rejects(delivery.message(sampleMessage()), { code: 550 })
  }
  assert.deepEqual(told(log), ['a begin', 'a rcpt u@a.example', 'a abort'])
})

test('a check of a destination judges the content as well', async () => {
  const conf = `
    destination a.example {
      check &one
      deliver_to &a
    }
    default_destination { reject }`
  await assert.rejects(send(conf, { checks: { one: [watcher('x', [], { message: refusal })] } }), { code: 550 })
})

test('one check refuses, another quarantines: the message is refused', async () => {
  const checks = { both: [watcher('x', [], { sender: suspicion }), watcher('y', [], { sender: refusal })] }
  await assert.rejects(send('check &both\ndeliver_to &a', { checks }), { code: 550 })
})

test('of several refusals the first in the order of the checks is told', async () => {
  const slow: Check = {
    name: 'y',
    timeout: 0,
    begin: () => ({
      async sender() {
        await new Promise(setImmediate)
        return { action: 'reject', reason: policy(551) }
      },
    }),
  }
  const checks = { both: [slow, watcher('y', [], { sender: refusal })] }
  await assert.rejects(send('check &both\ndeliver_to &a', { checks }), { code: 551 })
})

test('quarantine marks the message', async () => {
  const log = await send('check &one\ndeliver_to &a', {
    checks: { one: [watcher('x', [], { connection: suspicion })] },
  })
  assert.equal(log.find(({ event }) => event === 'message')?.quarantined, true)
})

test('a finding without an action, or a refusal without a reason, changes nothing but the log', async () => {
  const lines: Line[] = []
  const checks = {
    two: [
      watcher('x', [], { sender: { action: 'ignore', reason: policy() } }),
      watcher('y', [], { sender: { action: 'reject' } }),
    ],
  }
  const log = await send('check &two\ndeliver_to &a', { checks, lines })
  assert.equal(log.find(({ event }) => event === 'message')?.quarantined, false)
  assert.ok(lines.some(({ event }) => event === 'no check action'))
})

test('a check that throws defers the message', async () => {
  const broken: Check = {
    name: 'y',
    timeout: 0,
    begin: () => ({
      async sender() {
        throw new Error('no idea')
      },
    }),
  }
  const lines: Line[] = []
  await assert.rejects(send('check &one\ndeliver_to &a', { checks: { one: [broken] }, lines }), {
    code: 451,
    enhanced: '4.3.0',
  })
  assert.ok(lines.some(({ event, fields }) => event === 'check failed' && /no idea/.test(String(fields.reason))))
})

test('a check that does not come to an end defers the message, and is told to stop', async () => {
  let stopped: AbortSignal | undefined
  const endless: Check = {
    name: 'y',
    timeout: 1,
    begin: () => ({
      connection: (signal) => {
        stopped = signal
        return new Promise(() => {})
      },
    }),
  }
  await assert.rejects(send('check &one\ndeliver_to &a', { checks: { one: [endless] } }), {
    code: 451,
    enhanced: '4.3.0',
  })
  assert.equal(stopped?.aborted, true)
})

test('a refusal for good goes before a check that could not tell', async () => {
  const broken: Check = { name: 'y', timeout: 0, begin: () => ({ sender: () => Promise.reject(new Error('no idea')) }) }
  const checks = { both: [broken, watcher('y', [], { sender: refusal })] }
  await assert.rejects(send('check &both\ndeliver_to &a', { checks }), { code: 550 })
})

test('a refusal for good goes before one for now, in whatever order', async () => {
  const later: Verdict = { action: 'reject', reason: policy(450) }
  const checks = { both: [watcher('x', [], { sender: later }), watcher('y', [], { sender: refusal })] }
  await assert.rejects(send('check &both\ndeliver_to &a', { checks }), { code: 550 })
})

test('a refusal, a finding and a failure tell the log which check they are of', async () => {
  const lines: Line[] = []
  const broken: Check = { name: 'y', timeout: 0, begin: () => ({ sender: () => Promise.reject(new Error('no idea')) }) }
  await assert.rejects(
    send('check &one\ndeliver_to &a', { checks: { one: [watcher('x', [], { sender: refusal })] } }),
    {
      fields: { check: 'x' },
    },
  )
  await assert.rejects(send('check &one\ndeliver_to &a', { checks: { one: [broken] } }), { fields: { check: 'y' } })
  const ignored: Verdict = { action: 'ignore', reason: policy() }
  const both = [watcher('i', [], { sender: ignored }), watcher('q', [], { sender: suspicion })]
  await send('check &both\ndeliver_to &a', { checks: { both }, lines })
  assert.deepEqual(
    lines.map(({ event, fields }) => [event, fields.check]),
    [
      ['no check action', 'i'],
      ['quarantined', 'q'],
    ],
  )
})

test('a greeting is judged by the checks of every message, and by no other', async () => {
  const strict: Check = {
    name: 'y',
    timeout: 0,
    begin: () => ({}),
    async greeted({ helo }) {
      if (helo === 'banned.example') throw SmtpError.permanent(554, '5.7.0', 'Not you')
    },
  }
  const { origin } = sampleEnvelope('')
  const root = await pipeline('check &one\ndeliver_to dummy', { checks: { one: [strict] } })
  await root.greeted(origin)
  await assert.rejects(root.greeted({ ...origin, helo: 'banned.example' }), { code: 554 })
  const inner = await pipeline('default_source {\n check &one\n deliver_to dummy\n}', { checks: { one: [strict] } })
  await inner.greeted({ ...origin, helo: 'banned.example' })
})

test('every line about a message has its ID', async () => {
  const lines: Line[] = []
  await send('check &one\ndeliver_to &a', { checks: { one: [watcher('x', [], { connection: suspicion })] }, lines })
  assert.deepEqual(
    lines.map(({ event, fields }) => [event, fields.msg_id]),
    [['quarantined', '0badcafe']],
  )
})
