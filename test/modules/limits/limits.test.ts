import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitsFrom, stateOf } from './clock.ts'

const highLoad = 'High load, try again later'

test('L1 what is not free within five seconds is refused', async () => {
  const { limits, clock } = await limitsFrom('all concurrency 1')
  using _ = await limits.message('192.0.2.1', 'a.example')
  const second = limits.message('192.0.2.2', 'b.example')
  second.catch(() => {})
  await clock.pass(4_999)
  assert.equal(await stateOf(second), 'pending')
  await clock.pass(1)
  await assert.rejects(second, { code: 451, enhanced: '4.4.5', message: highLoad })
})

test('L2 what is freed in time goes to whoever waits', async () => {
  const { limits, clock } = await limitsFrom('all concurrency 1')
  const first = await limits.message('192.0.2.1', '')
  const second = limits.message('192.0.2.1', '')
  const third = limits.message('192.0.2.1', '')
  await clock.pass(3_000)
  first[Symbol.dispose]()
  assert.equal(await stateOf(second), 'taken')
  assert.equal(await stateOf(third), 'pending')
  ;(await second)[Symbol.dispose]()
  assert.equal(await stateOf(third), 'taken')
  assert.equal(clock.waiting, 0)
})

test('a slot that is given back twice is one slot', async () => {
  const { limits, clock } = await limitsFrom('all concurrency 1')
  const first = await limits.message('192.0.2.1', '')
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  using _ = await limits.message('192.0.2.1', '')
  const third = limits.message('192.0.2.1', '')
  third.catch(() => {})
  assert.equal(await stateOf(third), 'pending')
  await clock.pass(5_000)
})

test('L3 each address has slots of its own', async () => {
  const { limits } = await limitsFrom('ip concurrency 1')
  using _ = await limits.message('192.0.2.1', '')
  using __ = await limits.message('192.0.2.2', '')
})

test('each domain of a sender has slots of its own, and the null sender has one', async () => {
  const { limits, clock } = await limitsFrom('source concurrency 1')
  using _ = await limits.message('192.0.2.1', 'a.example')
  using __ = await limits.message('192.0.2.1', '')
  const third = limits.message('192.0.2.1', '')
  third.catch(() => {})
  await clock.pass(5_000)
  assert.equal(await stateOf(third), highLoad)
})

test('L4 a rate that is used up is refused after five seconds', async () => {
  const { limits, clock } = await limitsFrom('all rate 2 1m')
  await limits.message('192.0.2.1', '')
  await limits.message('192.0.2.1', '')
  const third = limits.message('192.0.2.1', '')
  third.catch(() => {})
  await clock.pass(5_000)
  assert.equal(await stateOf(third), highLoad)
  await clock.pass(55_000)
  await limits.message('192.0.2.1', '')
})

test('L5 a rate of five a second lets the sixth wait for the next', async () => {
  const { limits, clock } = await limitsFrom('all rate 5')
  for (let i = 0; i < 5; i++) await limits.message('192.0.2.1', '')
  const waiting = Array.from({ length: 12 }, () => limits.message('192.0.2.1', ''))
  assert.equal(await stateOf(waiting[0] ?? Promise.resolve()), 'pending')
  const taken = async () => (await Promise.all(waiting.map(stateOf))).filter((state) => state === 'taken').length
  await clock.pass(1_000)
  assert.equal(await taken(), 5)
  await clock.pass(999)
  assert.equal(await taken(), 5)
  await clock.pass(1)
  assert.equal(await taken(), 10)
  await clock.pass(1_000)
  assert.equal(await taken(), 12)
})

test('tokens of a rate are not given back', async () => {
  const { limits, clock } = await limitsFrom('all rate 1 1m')
  ;(await limits.message('192.0.2.1', ''))[Symbol.dispose]()
  const second = limits.message('192.0.2.1', '')
  second.catch(() => {})
  await clock.pass(5_000)
  assert.equal(await stateOf(second), highLoad)
})

test('L6 what is meant for destinations does not count messages', async () => {
  const { limits } = await limitsFrom('destination concurrency 1')
  using _ = await limits.message('192.0.2.1', '')
  using __ = await limits.message('192.0.2.1', '')
  using ___ = await limits.destination('a.example')
  using ____ = await limits.destination('b.example')
})

test('a destination whose slots are taken is refused after five seconds', async () => {
  const { limits, clock } = await limitsFrom('destination concurrency 1')
  using _ = await limits.destination('a.example')
  const second = limits.destination('a.example')
  second.catch(() => {})
  await clock.pass(5_000)
  assert.equal(await stateOf(second), highLoad)
})

test('when a later limit refuses, the slots taken before are free again', async () => {
  const { limits, clock } = await limitsFrom('all concurrency 2\nsource concurrency 1')
  using _ = await limits.message('192.0.2.1', 'a.example')
  const second = limits.message('192.0.2.1', 'a.example')
  second.catch(() => {})
  await clock.pass(5_000)
  assert.equal(await stateOf(second), highLoad)
  using __ = await limits.message('192.0.2.1', 'b.example')
})

test('all limits share one deadline', async () => {
  const { limits, clock } = await limitsFrom('all concurrency 1\nip concurrency 1')
  const first = await limits.message('192.0.2.1', '')
  const second = limits.message('192.0.2.1', '')
  second.catch(() => {})
  await clock.pass(4_000)
  assert.equal(await stateOf(second), 'pending')
  await clock.pass(1_000)
  assert.equal(await stateOf(second), highLoad)
  first[Symbol.dispose]()
})

test('several limits of a scope have to be met', async () => {
  const { limits, clock } = await limitsFrom('all concurrency 5\nall rate 1 1m')
  await limits.message('192.0.2.1', '')
  const second = limits.message('192.0.2.1', '')
  second.catch(() => {})
  await clock.pass(5_000)
  assert.equal(await stateOf(second), highLoad)
})

test('a limit of 0 is none', async () => {
  const { limits } = await limitsFrom('all rate 0\nall concurrency 0')
  for (let i = 0; i < 50; i++) await limits.message('192.0.2.1', '')
})

test('a scope remembers only so many keys, and forgets those not used for a minute', async () => {
  const { limits, clock } = await limitsFrom('ip concurrency 1')
  for (let i = 0; i < 20_010; i++) (await limits.message(`10.0.${i >> 8}.${i & 255}`, ''))[Symbol.dispose]()
  await assert.rejects(limits.message('192.0.2.1', ''), { code: 451 })
  await clock.pass(60_000)
  ;(await limits.message('192.0.2.1', ''))[Symbol.dispose]()
})

test('a key in use is not forgotten', async () => {
  const { limits, clock } = await limitsFrom('ip concurrency 1')
  using _ = await limits.message('192.0.2.1', '')
  await clock.pass(120_000)
  for (let i = 0; i < 20_009; i++) (await limits.message(`10.0.${i >> 8}.${i & 255}`, ''))[Symbol.dispose]()
  await clock.pass(60_000)
  ;(await limits.message('192.0.2.2', ''))[Symbol.dispose]()
  const second = limits.message('192.0.2.1', '')
  second.catch(() => {})
  await clock.pass(5_000)
  assert.equal(await stateOf(second), highLoad)
})

test('slots do not leak, whatever becomes of those who take them', async () => {
  const { limits, clock } = await limitsFrom('all concurrency 3\nip concurrency 2\nsource rate 7 10s')
  let seed = 7
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff
    return seed % below
  }
  const held: Disposable[] = []
  for (let i = 0; i < 400; i++) {
    limits.message(`192.0.2.${random(3)}`, `${random(3)}.example`).then(
      (slot) => held.push(slot),
      () => {},
    )
    if (random(2) === 0) await clock.pass(random(2_000))
    while (random(3) > 0) held.splice(random(held.length || 1), 1)[0]?.[Symbol.dispose]()
  }
  await clock.pass(30_000)
  while (held.length > 0) {
    for (const slot of held.splice(0)) slot[Symbol.dispose]()
    await clock.pass(30_000)
  }
  using _ = await limits.message('192.0.2.1', 'x.example')
  using __ = await limits.message('192.0.2.2', 'y.example')
  using ___ = await limits.message('192.0.2.1', 'z.example')
  assert.equal(clock.waiting, 0)
})

for (const line of [
  'all burst 3',
  'endpoint rate 5',
  'all rate',
  'all concurrency',
  'all concurrency 1 2',
  'all rate 1 2s 3',
  'all rate x',
  'all rate 1 soon',
  'all rate -1',
  'all concurrency 1.5',
  'all',
]) {
  test(`L9 ${line} is no configuration`, async () => {
    await assert.rejects(limitsFrom(line), { name: 'ConfigError' })
  })
}
