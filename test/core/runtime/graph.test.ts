import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  defineModule,
  Endpoint,
  endpoints,
  flag,
  type ModuleDefinition,
  role,
  Table,
  text,
  use,
  useAll,
  useGroup,
  useLater,
  words,
} from '../../../core/index.ts'
import { Graph } from '../../../core/runtime/graph.ts'
import type { Host } from '../../../core/runtime/instance.ts'
import type { Modules } from '../../../core/runtime/registry.ts'
import { nodes } from '../../support/nodes.ts'

interface Thing {
  readonly label: string
}
const Thing = role<Thing>('thing')
const Group = role<{ readonly size: number }>('group', '')

/** A few modules that write down what happens to them. */
const workshop = (events: string[] = []) => {
  const life = (name: string) => ({
    start: async (held: AsyncDisposableStack) => {
      events.push(`start ${name}`)
      held.defer(() => void events.push(`close ${name}`))
    },
    drain: async () => void events.push(`drain ${name}`),
  })
  const definitions = [
    defineModule({
      name: 'door',
      doc: 'An endpoint.',
      provides: [Endpoint],
      inline: endpoints().required(),
      config: { thing: use(Thing).many(), group: useGroup(Group, 'group'), hostname: text().inherit() },
      create: ({ inline }, { name }) => ({ addresses: inline.map((each) => each.text), ...life(name) }),
    }),
    defineModule({
      name: 'thing.box',
      aliases: ['other.box'],
      doc: 'A thing that may hold others.',
      provides: [Thing],
      inline: words('LABEL…'),
      config: {
        thing: use(Thing).many(),
        later: useLater(Thing),
        all: useAll(Thing),
        table: use(Table),
        hostname: text().inherit(),
        broken: flag().default('no'),
      },
      create: ({ inline, broken }, { name }) => ({
        label: inline?.join(' ') ?? name,
        ...life(name),
        ...(broken && {
          start: async () => {
            throw new Error('the box is broken')
          },
        }),
      }),
    }),
    defineModule({
      name: 'table.none',
      doc: 'An empty table.',
      provides: [Table],
      config: {},
      create: () => ({ lookup: async () => [] }),
    }),
    defineModule({
      name: 'group',
      doc: 'A group.',
      provides: [Group],
      config: { size: text() },
      create: ({ size = '0' }) => ({ size: Number(size) }),
    }),
  ] as unknown as ModuleDefinition[]
  const modules: Modules = {
    find: async (name) => definitions.find((each) => each.name === name || each.aliases?.includes(name)),
    names: async () => definitions.map((each) => each.name),
  }
  return { modules, events }
}

const host = {
  directories: { state: '/state', runtime: '/run', libexec: '/lib' },
  logger: () => undefined,
} as unknown as Host

const globals = { hostname: text(), debug: flag() }

const build = async (
  conf: string,
  modules: Modules = workshop().modules,
  more: { previous?: Graph; only?: string[] } = {},
) => Graph.build(await nodes(conf), { registry: modules, host, globals, ...more })

const refuses = async (conf: string, ...reasons: string[]): Promise<void> => {
  await assert.rejects(build(conf), { name: 'ConfigError', message: reasons.join('\n') })
}

test('a block may be referred to before it is written', async () => {
  await using graph = await build('door tcp://a:1 { thing &b }\nthing.box b { }')
  assert.equal((await graph.find('b', Thing))?.label, 'b')
})

test('a block without a name goes by the full name of its module', async () => {
  await using graph = await build('door tcp://a:1 { thing &thing.box }\nthing.box { }')
  assert.equal((await graph.find('thing.box', Thing))?.label, 'thing.box')
})

test('a block goes by each of its names, and is one instance', async () => {
  await using graph = await build('door tcp://a:1 { thing &b; }\nthing.box b c { }'.replace(';', ''))
  assert.equal(await graph.find('c', Thing), await graph.find('b', Thing))
})

test('a block can be referred to by its module, as maddy does for tables, while that is the only one', async () => {
  await using graph = await build('door tcp://a:1 {\n thing box {\n table &table.none\n }\n}\ntable.none t { }')
  assert.ok(await graph.find('t', Table))
})

test('a module in place takes words after its name and a block', async () => {
  await using _ = await build('door tcp://a:1 {\n thing box big one {\n table none\n }\n}')
})

test('a module in place may be named in full', async () => {
  await using _ = await build('door tcp://a:1 {\n thing thing.box x\n}')
})

test('a module answers to its further names', async () => {
  await using _ = await build('door tcp://a:1 {\n thing other.box x\n}')
})

test('a group may be written in place, or referred to', async () => {
  await using _ = await build(
    'door tcp://a:1 {\n group {\n size 5\n }\n}\ndoor tcp://a:2 {\n group &g\n}\ngroup g { size 6 }',
  )
})

test('a list of modules has one on each line', async () => {
  await using _ = await build('door tcp://a:1 {\n thing box {\n all {\n box a\n box b { table none }\n }\n }\n}')
})

test('an unknown module is named with the nearest known one', () =>
  refuses('dor tcp://a:1 { }\ndoor tcp://a:1 { }', 'test.conf:1:1: no module is called dor; did you mean door?'))

test('an unknown module in place names both spellings that were tried', () =>
  refuses('door tcp://a:1 { thing bx }', 'test.conf:1:24: no module is called thing.bx or bx; did you mean box?'))

test('a misspelt global is told from an unknown module', () =>
  refuses('hostnme x\ndoor tcp://a:1 { }', 'test.conf:1:1: no module is called hostnme; did you mean hostname?'))

test('a global given twice names the line of the first', () =>
  refuses('hostname a\nhostname b\ndoor tcp://a:1 { }', 'test.conf:2:1: hostname is given twice; first on line 1'))

test('an unknown name is told with the nearest one', () =>
  refuses(
    'door tcp://a:1 { thing &local_autdb }\nthing.box local_authdb { }',
    'test.conf:1:24: no block is named local_autdb; did you mean local_authdb?',
    'test.conf:2:1: nothing refers to thing.box local_authdb: use it as &local_authdb, or remove it',
  ))

test('a block whose module is unknown is reported once, however many refer to it', () =>
  refuses(
    'door tcp://a:1 { thing &b }\ndoor tcp://a:2 { thing &b }\nthing.bx b { }',
    'test.conf:3:1: no module is called thing.bx; did you mean thing.box?',
  ))

test('a bare & is an error', () => refuses('door tcp://a:1 { thing & }', 'test.conf:1:24: a name is missing after &'))

test('a reference stands alone', () =>
  refuses(
    'door tcp://a:1 { thing &b x }\nthing.box b { }',
    'test.conf:1:27: &b stands alone: x is too much',
    'test.conf:2:1: nothing refers to thing.box b: use it as &b, or remove it',
  ))

test('a reference takes no block, not even an empty one', async () => {
  await assert.rejects(build('door tcp://a:1 {\n thing &b { }\n}\nthing.box b { }'), {
    message: /^test.conf:2:2: &b has its own block elsewhere and takes none here/,
  })
})

test('an instance of another role is refused with what it is', () =>
  refuses(
    'door tcp://a:1 { thing &t }\ntable.none t { }',
    'test.conf:1:24: &t cannot be used here: a thing is needed, and table.none is: table',
  ))

test('a module in place of another role is refused', () =>
  refuses(
    'door tcp://a:1 { thing table.none }',
    'test.conf:1:24: table.none cannot be used here: a thing is needed, and table.none is: table',
  ))

test('words after a name are refused by a module that takes none', () =>
  refuses(
    'door tcp://a:1 {\n thing box {\n table none extra\n }\n}',
    'test.conf:3:13: table.none takes no words after its name, such as extra',
  ))

test('a name that two blocks have is told where the first is', () =>
  refuses(
    'door tcp://a:1 { thing &b }\nthing.box b { }\nthing.box b { }',
    'test.conf:3:11: b is the name of another block already, at test.conf:2',
  ))

test('blocks that refer to each other are told as a path', () =>
  refuses(
    'door tcp://a:1 { thing &x }\nthing.box x { thing &y }\nthing.box y { thing &z }\nthing.box z { thing &x }',
    'test.conf:2:1: these blocks refer to each other: x → y → z → x',
  ))

test('a cycle through a reference that is resolved last is legal', async () => {
  await using graph = await build('door tcp://a:1 { thing &x }\nthing.box x { later &y }\nthing.box y { thing &x }')
  assert.ok(await graph.find('y', Thing))
})

test('a block that nothing refers to is an error', () =>
  refuses(
    'door tcp://a:1 { }\nthing.box b { }',
    'test.conf:2:1: nothing refers to thing.box b: use it as &b, or remove it',
  ))

test('a configuration without an endpoint is an error', () =>
  refuses('hostname x', 'the configuration has no endpoint (smtp, submission, lmtp, imap …), so it would serve nobody'))

test('the mistakes of all blocks are reported together', () =>
  refuses(
    'door tcp://a:1 { thing &nope }\ndoor udp://x { }\nthing.box b { colour red }',
    'test.conf:1:24: no block is named nope',
    'test.conf:2:6: expected tcp://HOST:PORT, tls://HOST:PORT or unix://PATH, not udp://x',
    'test.conf:3:1: nothing refers to thing.box b: use it as &b, or remove it',
    'test.conf:3:15: thing.box has no directive colour',
  ))

test('with a selection only those blocks and what they refer to are built', async () => {
  await using graph = await build('thing.box a { thing &b }\nthing.box b { }\nthing.box c { colour red }', undefined, {
    only: ['a'],
  })
  assert.deepEqual([await graph.find('b', Thing), await graph.find('c', Thing)].map(Boolean), [true, false])
})

test('instances start after what they refer to, and close before it', async () => {
  const { modules, events } = workshop()
  {
    await using graph = await build('door tcp://a:1 { thing &x }\nthing.box x { thing &y }\nthing.box y { }', modules)
    await graph.start()
    await graph.drain(AbortSignal.timeout(1000))
  }
  assert.deepEqual(events, [
    ...['start y', 'start x', 'start door'],
    ...['drain door', 'drain x', 'drain y'],
    ...['close door', 'close x', 'close y'],
  ])
})

test('what had been started is closed when a later instance fails, and the error names its block', async () => {
  const { modules, events } = workshop()
  {
    await using graph = await build(
      'door tcp://a:1 {\n thing &x\n}\nthing.box x {\n thing &y\n broken\n}\nthing.box y { }',
      modules,
    )
    await assert.rejects(graph.start(), { message: 'test.conf:4:1: the box is broken' })
  }
  assert.deepEqual(events, ['start y', 'close y'])
})

test('an instance whose block did not change is kept after a reload', async () => {
  const { modules, events } = workshop()
  const conf = (label: string) =>
    `door tcp://a:1 {\n thing &x\n thing box ${label}\n}\nthing.box x { thing &y }\nthing.box y { }`
  const old = await build(conf('one'), modules)
  await old.start()
  await using next = await build(conf('two'), modules, { previous: old })
  await next.start()
  assert.equal(await next.find('x', Thing), await old.find('x', Thing))
  await old.drain(AbortSignal.timeout(1000))
  await old[Symbol.asyncDispose]()
  assert.deepEqual(
    events.filter((each) => / [xy]$/.test(each)),
    ['start y', 'start x'],
  )
})

test('an instance is not kept when something it refers to has changed', async () => {
  const { modules } = workshop()
  await using old = await build('door tcp://a:1 { thing &x }\nthing.box x { thing &y }\nthing.box y { }', modules)
  await old.start()
  const changed = 'door tcp://a:1 { thing &x }\nthing.box x { thing &y }\nthing.box y { table none }'
  await using next = await build(changed, modules, { previous: old })
  assert.notEqual(await next.find('x', Thing), await old.find('x', Thing))
})

test('an instance is not kept when a global that it inherits has changed', async () => {
  const { modules } = workshop()
  await using old = await build('hostname a\ndoor tcp://a:1 { thing &x }\nthing.box x { }', modules)
  await old.start()
  await using next = await build('hostname b\ndoor tcp://a:1 { thing &x }\nthing.box x { }', modules, { previous: old })
  assert.notEqual(await next.find('x', Thing), await old.find('x', Thing))
})

test('two equal modules in place stay two after a reload', async () => {
  const { modules } = workshop()
  const conf =
    'door tcp://a:1 {\n thing &a\n thing &b\n}\nthing.box a { thing box same }\nthing.box b { thing box same }'
  await using old = await build(conf, modules)
  await old.start()
  await using next = await build(conf, modules, { previous: old })
  await next.start()
  assert.equal(await next.find('a', Thing), await old.find('a', Thing))
  assert.notEqual(await next.find('a', Thing), await next.find('b', Thing))
})

test('a new configuration that fails to start leaves what it would have kept to the old one', async () => {
  const { modules, events } = workshop()
  await using old = await build('door tcp://a:1 { thing &x }\nthing.box x { }', modules)
  await old.start()
  {
    await using next = await build(
      'door tcp://a:1 {\n thing &x\n thing &z\n}\nthing.box x { }\nthing.box z { broken }',
      modules,
      {
        previous: old,
      },
    )
    await assert.rejects(next.start())
  }
  assert.equal(events.includes('close x'), false)
})

test('a mistake that several blocks inherit is told once', async () => {
  const conf = 'hostname ""\ndoor tcp://a:1 { thing &x }\nthing.box x { }'
  await refuses(conf, 'test.conf:1:10: expected TEXT, not an empty word')
})

test('an endpoint without an address says what it needs, once', async () => {
  await refuses('door { }', 'test.conf:1:1: door needs ADDRESS…')
})

test('quotes around a reference change nothing', async () => {
  await using graph = await build('door tcp://a:1 { thing "&b" }\nthing.box b { }')
  assert.ok(await graph.find('b', Thing))
})

for (const [first, second] of [
  ['tcp://127.0.0.1:25', 'tls:127.0.0.1:25'],
  ['tcp://0.0.0.0:25', 'tcp://[::]:25'],
  ['unix://a.sock', 'unix:///run/a.sock'],
] as const) {
  test(`${first} and ${second} are one address, and cannot be listened on twice`, async () => {
    await refuses(
      `door ${first} { }\ndoor ${second} { }`,
      `test.conf:2:6: ${second} is listened on already, at test.conf:1:6`,
    )
  })
}

test('free ports can be asked for any number of times', async () => {
  await using _ = await build('door tcp://127.0.0.1:0 tcp://127.0.0.1:0 { }')
})
