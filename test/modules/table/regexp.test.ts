import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inPlace, lookup, refused } from './lookup.ts'

const untag = 'regexp "(.+)\\+.*@(.+)" "$1@$2"'

test('groups of the match are put into the replacement', async () => {
  assert.deepEqual(await inPlace(untag, 'ann+x@a.example'), ['ann@a.example'])
})

test('a key that does not match is not found', async () => {
  assert.deepEqual(await inPlace(untag, 'ann@a.example'), [])
})

test('the whole key has to match, unless full_match is off', async () => {
  assert.deepEqual(await inPlace('regexp ann x', 'joann'), [])
  assert.deepEqual(await inPlace('regexp ann x {\n full_match no\n }', 'joann'), ['x'])
})

test('full_match does not group alternatives', async () => {
  assert.deepEqual(await inPlace('regexp a|b x', 'about'), ['x'])
  assert.deepEqual(await inPlace('regexp a|b x', 'bar'), [])
})

test('case does not matter, unless case_insensitive is off', async () => {
  assert.deepEqual(await inPlace('regexp ANN x', 'ann'), ['x'])
  assert.deepEqual(await inPlace('regexp ANN x {\n case_insensitive no\n }', 'ann'), [])
})

test('each replacement is a value, in their order', async () => {
  assert.deepEqual(await inPlace('regexp (a)(b) $2 $1', 'ab'), ['b', 'a'])
})

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: the templates are those of Go
for (const [template, value] of [
  ['$1x', ''],
  ['${1}x', 'ax'],
  ['$$5', '$5'],
  ['$name', 'b'],
  ['${name}!', 'b!'],
  ['$9', ''],
  ['$3.', '.'],
  ['$0', 'ab'],
  ['$', '$'],
  ['$-', '$-'],
  ['${', '${'],
  ['${a-b}', '${a-b}'],
] as const) {
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: until here
  test(`the replacement ${template} gives ${JSON.stringify(value)}`, async () => {
    assert.deepEqual(await inPlace(`regexp "(a)(?P<name>b)(c)?" "${template}"`, 'ab'), [value])
  })
}

for (const name of ['expand_replaceholders', 'expand_placeholders']) {
  test(`${name} no leaves the replacement as it is`, async () => {
    assert.deepEqual(await inPlace(`regexp (a) $1 {\n ${name} no\n }`, 'a'), ['$1'])
  })
}

test('without a replacement a key that matches stands for itself', async () => {
  assert.deepEqual(await inPlace('regexp a.*', 'ab'), ['ab'])
  assert.deepEqual(await inPlace('regexp a.*', 'b'), [])
})

for (const pattern of ['a(', '(a)\\1', '(?=a)', '(?<=a)b']) {
  test(`the pattern ${pattern} is refused, there where it stands`, async () => {
    await assert.rejects(inPlace(`regexp "${pattern}"`, 'a'), refused(/^test\.conf:2:15: error parsing regexp/))
  })
}

test('a regexp without a pattern is refused', async () => {
  await assert.rejects(inPlace('regexp', 'a'), refused(/needs a pattern/))
  await assert.rejects(lookup('table.regexp t { }', 'a'), refused(/needs a pattern/))
})

test('a pattern that would cost a backtracking engine for ever is matched at once', async () => {
  assert.deepEqual(await inPlace('regexp (a+)+b x', 'a'.repeat(5000)), [])
})
