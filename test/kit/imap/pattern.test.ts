import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matcher } from '../../../core/kit/imap/pattern.ts'

const matches = (pattern: string, name: string) => matcher(pattern, '.')(name)

test('a star crosses levels and a percent sign does not', () => {
  assert.ok(matches('*', 'a.b.c'))
  assert.ok(matches('a.*', 'a.b.c'))
  assert.ok(matches('%', 'a'))
  assert.ok(!matches('%', 'a.b'))
  assert.ok(matches('%.b', 'a.b'))
  assert.ok(matches('*c', 'a.b.c'))
  assert.ok(matches('a%c', 'abc'))
  assert.ok(!matches('a%c', 'ab.c'))
})

test('other characters stand for themselves', () => {
  assert.ok(matches('a[b]', 'a[b]'))
  assert.ok(!matches('a.c', 'abc'))
  assert.ok(!matches('abc', 'ab'))
  assert.ok(!matches('ab', 'abc'))
  assert.ok(matches('Entwürfe %', 'Entwürfe 😀'))
  assert.ok(matches('', ''))
})

test('a pattern full of wildcards takes no longer than its length allows', () => {
  const started = performance.now()
  assert.ok(!matches('*a%'.repeat(300), `${'a'.repeat(299)}b`))
  assert.ok(performance.now() - started < 2_000)
})

test('the longest pattern a line can hold takes no time on a name that is shorter', () => {
  const started = performance.now()
  assert.ok(matches('%*'.repeat(30_000), 'a'.repeat(200)))
  assert.ok(!matches('*a'.repeat(30_000), 'a'.repeat(200)))
  assert.ok(performance.now() - started < 100)
})

test('wildcards next to each other are as good as the strongest of them', () => {
  assert.ok(matches('a%*c', 'a.b.c'))
  assert.ok(matches('a%%c', 'abc'))
  assert.ok(!matches('a%%c', 'a.c'))
  assert.ok(matches('*%', ''))
})
