import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countMailboxes } from '../../../modules/_smtp/mailboxes.ts'

const lists: readonly (readonly [string, number | undefined])[] = [
  ['a@b.example', 1],
  ['a@b.example, c@d.example', 2],
  ['"Doe, Jane" <a@b.example>', 1],
  ['Jane Q. Doe <a@b.example>', 1],
  ['=?utf-8?q?J=C3=A4ne?= <a@b.example>', 1],
  ['Jäne <ä@bücher.example>', 1],
  ['(a comment (nested) \\) here) a@b.example (after)', 1],
  ['"a b"@c.example', 1],
  ['<a@[192.0.2.1]>', 1],
  ['Friends: a@b.example, C <c@d.example>;, e@f.example', 3],
  ['undisclosed-recipients:;', 0],
  ['a@b.example,', 1],
  [',, a@b.example,, c@d.example', 2],
  ['', 0],
  ['nobody here', undefined],
  ['nobody', undefined],
  ['"quoted"', undefined],
  ['<a@b.example> stray', undefined],
  ['a@b.example c@d.example', undefined],
  ['<a@b.example', undefined],
  ['a@', undefined],
  ['@b.example', undefined],
  ['<>', undefined],
  ['group: a@b.example', undefined],
  ['group: other: a@b.example;;', undefined],
  ['a@b.example;', undefined],
  ['(unfinished a@b.example', undefined],
  ['"unfinished a@b.example', undefined],
]

for (const [value, count] of lists) {
  test(`${JSON.stringify(value)} has ${count ?? 'no list of'} addresses`, () => {
    assert.equal(countMailboxes(value), count)
  })
}

test('a field of a megabyte is read quickly', () => {
  const started = performance.now()
  assert.equal(countMailboxes('a@b.example, '.repeat(80_000)), 80_000)
  assert.equal(countMailboxes('('.repeat(1_000_000)), undefined)
  assert.equal(countMailboxes('"\\'.repeat(500_000)), undefined)
  assert.ok(performance.now() - started < 3000)
})
