import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Directive, integer, type Scope, text, words } from '../../../core/index.ts'
import { bareScope } from '../../support/scope.ts'

const at = { file: 'test.conf', line: 3, column: 5 }
const owner = { text: 'module', quoted: false, at }

/** The value of a directive that a block does not have, with these variables around, and what was warned of. */
const absent = async <T>(directive: Directive<T>, variables: Readonly<Record<string, string>> = {}) => {
  const warnings: string[] = []
  const scope: Scope = {
    ...bareScope(),
    environment: (name) => variables[name],
    warn: (_at, reason) => warnings.push(reason),
  }
  return { value: await directive.read('number', [], owner, scope), warnings }
}

const number = integer(1).environment('NUMBER', (value) => (/^\d+$/.test(value) ? [value] : undefined))

test('a directive that is absent takes its value from its variable, before its default', async () => {
  assert.equal((await absent(number.default('3'), { NUMBER: '7' })).value, 7)
  assert.equal((await absent(number.default('3'))).value, 3)
})

test('a directive that is there goes before its variable', async () => {
  const scope = { ...bareScope(), environment: () => '7' }
  const node = { name: { ...owner, text: 'number' }, args: [{ text: '5', quoted: false, at }] }
  assert.equal(await number.read('number', [node], owner, scope), 5)
})

test('a value that is to be passed over is warned of', async () => {
  const { value, warnings } = await absent(number.default('3'), { NUMBER: 'many' })
  assert.equal(value, 3)
  assert.match(warnings.join(), /NUMBER/)
  assert.doesNotMatch(warnings.join(), /many/)
})

test('an error names the variable and the place of the block', async () => {
  await assert.rejects(absent(number, { NUMBER: '0' }), /^ConfigError: test\.conf:3:5: NUMBER: expected a number/)
})

test('a required directive that is absent names the variable that could have had it', async () => {
  await assert.rejects(absent(text('NAME').environment('NAME').required()), /, or the environment variable NAME$/)
})

test('a value is one word, however it is written, unless the directive says otherwise', async () => {
  const phrase = { PHRASE: 'a "b" {env:C} # d' }
  assert.deepEqual((await absent(words().environment('PHRASE'), phrase)).value, [phrase.PHRASE])
  const split = words().environment('PHRASE', (value) => value.split(' '))
  assert.deepEqual((await absent(split, { PHRASE: 'a b' })).value, ['a', 'b'])
})

test('one that may be repeated has a list of one', async () => {
  assert.deepEqual((await absent(text().environment('NAME').many(), { NAME: 'a' })).value, ['a'])
})
