import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePath } from '../../../core/kit/smtp/server/path.ts'

const good: readonly (readonly [string, string, string, string])[] = [
  ['<a@b.example>', 'a', 'b.example', ''],
  [' <a@b.example> SIZE=1', 'a', 'b.example', ' SIZE=1'],
  ['a@b.example SIZE=1', 'a', 'b.example', ' SIZE=1'],
  ['<A+b.c@[192.0.2.1]>', 'A+b.c', '[192.0.2.1]', ''],
  ['<"a>b c"@b.example> X', 'a>b c', 'b.example', ' X'],
  ['<"a\\"\\\\"@b.example>', 'a"\\', 'b.example', ''],
  ['<@x,@y.z:a@b.example>', 'a', 'b.example', ''],
  ['<é@bücher.example>', 'é', 'bücher.example', ''],
]

for (const [text, local, domain, rest] of good) {
  test(`${text} is a path`, () => {
    const parsed = parsePath(text)
    assert.equal(parsed?.path?.local, local)
    assert.equal(parsed?.path?.domain, domain)
    assert.equal(parsed?.rest, rest)
  })
}

test('<> is the null path', () => {
  assert.deepEqual(parsePath('<>'), { path: null, rest: '' })
})

for (const text of [
  '',
  '<',
  '>',
  '<a>',
  'a',
  '<@b>',
  '<a@>',
  '<a@b',
  '<a@b>c',
  '<a b@c>',
  '<a@b@c>',
  '<"a@b>',
  '<""@b>',
  '<a"b"@c>',
  '<a\\@b>',
  '<a@b\x7f>',
  '<a\ufffd@b>',
  '<<a@b>>',
  '<@x:>',
]) {
  test(`${JSON.stringify(text)} is no path`, () => {
    assert.equal(parsePath(text), undefined)
  })
}

test('a path that goes on for ever is told quickly', () => {
  const started = performance.now()
  for (const text of [`<${'"'.repeat(4000)}`, `<${'@a,'.repeat(1300)}`, `<${'"\\'.repeat(2000)}`, '<'.repeat(4000)]) {
    assert.equal(parsePath(text), undefined)
  }
  assert.ok(performance.now() - started < 200)
})
