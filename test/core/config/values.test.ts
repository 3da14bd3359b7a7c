import assert from 'node:assert/strict'
import { test } from 'node:test'
import { block, flag, float, integer, oneOf, readBlock, someOf, text, words } from '../../../core/index.ts'
import type { Node } from '../../../grammar/node.ts'
import { directive, nodes } from '../../support/nodes.ts'
import { bareScope, read } from '../../support/scope.ts'

const onlyNode = async (conf: string): Promise<Node> => {
  const [node] = await nodes(conf)
  assert.ok(node)
  return node
}

for (const written of ['1', 'true', 'on', 'yes', 'YES', 'On']) {
  test(`flag ${written} is true`, async () => assert.equal(await read(flag(), directive('debug', written)), true))
}

for (const written of ['0', 'false', 'off', 'no', 'NO', 'Off']) {
  test(`flag ${written} is false`, async () => assert.equal(await read(flag(), directive('debug', written)), false))
}

test('a flag without a word is true', async () => {
  assert.equal(await read(flag(), directive('debug')), true)
})

test('a flag takes no other word', async () => {
  await assert.rejects(read(flag(), directive('debug', 'maybe')), {
    message: 'test.conf:1:7: expected yes or no, not maybe',
  })
})

for (const [written, number] of [
  ['12', 12],
  ['-3', -3],
  ['+7', 7],
  ['007', 7],
] as const) {
  test(`integer ${written} is ${number}`, async () =>
    assert.equal(await read(integer(), directive('n', written)), number))
}

for (const written of ['1_000', '0x10', '1.5', ' 1', '', '1e3']) {
  test(`integer ${JSON.stringify(written)} is refused`, async () => {
    await assert.rejects(read(integer(), directive('n', written)), { message: /expected a whole number, not/ })
  })
}

test('an integer out of range is told the range', async () => {
  await assert.rejects(read(integer(0, 100), directive('n', '101')), {
    message: 'test.conf:1:3: expected a number from 0 to 100, not 101',
  })
})

for (const [written, number] of [
  ['1.25', 1.25],
  ['.5', 0.5],
  ['5.', 5],
  ['-1e3', -1000],
] as const) {
  test(`float ${written} is ${number}`, async () => assert.equal(await read(float(), directive('n', written)), number))
}

for (const written of ['inf', 'nan', '0x1p3', '1_0', '', '.']) {
  test(`float ${JSON.stringify(written)} is refused`, async () => {
    await assert.rejects(read(float(), directive('n', written)), { message: /expected a number such as 1.25/ })
  })
}

test('a word of a closed set is named with its likely spelling when it is wrong', async () => {
  await assert.rejects(read(oneOf('relaxed', 'simple'), directive('canon', 'relaxd')), {
    message: 'test.conf:1:7: expected relaxed, simple, not relaxd; did you mean relaxed?',
  })
})

test('words of a closed set are told apart by case', async () => {
  await assert.rejects(read(oneOf('p256', 'X25519'), directive('curve', 'x25519')), { message: /did you mean X25519/ })
})

test('a list of words of a closed set blames the one that is wrong', async () => {
  await assert.rejects(read(someOf('p256', 'p384'), directive('curves', 'p256', 'p999')), {
    message: /^test.conf:1:13: /,
  })
})

test('a text cannot be empty', async () => {
  await assert.rejects(read(text(), directive('hostname', '')), { message: /expected TEXT, not an empty word/ })
})

test('one word too many is named', async () => {
  await assert.rejects(read(text(), directive('hostname', 'a', 'b')), {
    message: 'test.conf:1:12: hostname takes only TEXT, not b as well',
  })
})

test('too few words are an error that shows the usage', async () => {
  await assert.rejects(read(words('KEY VALUE…', 2), directive('entry', 'a')), {
    message: 'test.conf:1:1: entry needs KEY VALUE…',
  })
})

test('a block where none belongs is refused, an empty one passes', async () => {
  await assert.rejects(read(text(), await onlyNode('hostname a {\n b\n}')), { message: /hostname takes no block/ })
  assert.equal(await read(text(), await onlyNode('hostname a { }')), 'a')
})

test('a directive given twice names the line of the first', async () => {
  const node = await onlyNode('x {\n a 1\n a 2\n}')
  await assert.rejects(readBlock({ a: text() }, node, bareScope()), {
    message: 'test.conf:3:2: a is given twice; first on line 2',
  })
})

test('an unknown directive is named with the nearest known one', async () => {
  const node = await onlyNode('smtp {\n hostnaem x\n}')
  await assert.rejects(readBlock({ hostname: text() }, node, bareScope()), {
    message: 'test.conf:2:2: smtp has no directive hostnaem; did you mean hostname?',
  })
})

test('all mistakes of a block are reported, in the order of the file', async () => {
  const node = await onlyNode('x {\n size 5\n nonsense\n inner { deep no }\n}')
  const directives = { need: text().required(), inner: block({ deep: integer() }), size: integer(10) }
  await assert.rejects(readBlock(directives, node, bareScope()), {
    message: [
      'test.conf:1:1: x needs need TEXT',
      'test.conf:2:7: expected a number of at least 10, not 5',
      'test.conf:3:2: x has no directive nonsense',
      'test.conf:4:15: expected a whole number, not no',
    ].join('\n'),
  })
})

test('an absent directive has its default, read like anything written', async () => {
  const values = await readBlock(
    { a: integer().default('5'), b: flag().default('no') },
    await onlyNode('x'),
    bareScope(),
  )
  assert.deepEqual(values, { a: 5, b: false })
})

test('an absent directive is inherited from the top level, even when it says no there', async () => {
  const globals = [directive('debug', 'no'), directive('hostname', 'mx.example.org')]
  const directives = { debug: flag().inherit().default('yes'), hostname: text().inherit().required() }
  assert.deepEqual(await readBlock(directives, await onlyNode('x'), bareScope(globals)), {
    debug: false,
    hostname: 'mx.example.org',
  })
})

test('what is not declared to inherit takes nothing from the top level', async () => {
  const values = await readBlock({ hostname: text() }, await onlyNode('x'), bareScope([directive('hostname', 'a')]))
  assert.deepEqual(values, { hostname: undefined })
})

test('an empty hostname at the top level does not satisfy what needs one', async () => {
  const scope = bareScope([directive('hostname', '')])
  await assert.rejects(readBlock({ hostname: text().inherit().required() }, await onlyNode('x'), scope), {
    message: /expected TEXT, not an empty word/,
  })
})

test('a repeatable directive keeps the order in which it was written', async () => {
  const values = await readBlock({ a: words().many() }, await onlyNode('x {\n a 1 2\n a 3\n}'), bareScope())
  assert.deepEqual(values, { a: [['1', '2'], ['3']] })
})

test('every word of a list that is not in the set is told', async () => {
  await assert.rejects(read(someOf('plain', 'login'), directive('mechanism', 'plan', 'plain', 'logn')), {
    message:
      'test.conf:1:11: expected plain, login, not plan; did you mean plain?\n' +
      'test.conf:1:22: expected plain, login, not logn; did you mean login?',
  })
})
