import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeholders } from '../../../core/kit/sql/placeholders.ts'

for (const [title, sql, text, order] of [
  [
    'numbers stand for themselves, in any order and again',
    'a = $2 AND b = $1 OR $2',
    'a = ? AND b = ? OR ?',
    [1, 0, 1],
  ],
  ['?2 is the second, and a bare ? the one after the highest so far', '?2, ?, ?1', '?, ?, ?', [1, 2, 0]],
  ['names are numbered as they come', ':a, @b, $a', '?, ?, ?', [0, 1, 0]],
  ['text in quotes is left alone', `'it''s $1', "$2", \`$3\`, [$4], $1`, `'it''s $1', "$2", \`$3\`, [$4], ?`, [0]],
  ['comments are left alone', '$1 -- $2 \n + /* $3 \n ? */ $2', '? -- $2 \n + /* $3 \n ? */ ?', [0, 1]],
  ['a dollar within a name belongs to the name', 'a$1 = $1', 'a$1 = ?', [0]],
  ['a comment that does not end reaches to the end', '$1 /* $2', '? /* $2', [0]],
] as const) {
  test(title, () => assert.deepEqual(placeholders(sql), { text, order }))
}

test('names stand for the values they were declared for', () => {
  assert.deepEqual(placeholders('v = :value, k = $key OR @key', ['key', 'value']).order, [1, 0, 0])
})

test('a name that was not declared is an error', () => {
  assert.throws(() => placeholders(':other', ['key', 'value']), /no parameter is called other; there are key and value/)
})

test('a second statement is an error, a semicolon at the end is not', () => {
  assert.throws(() => placeholders('SELECT 1; DELETE FROM t'), /only one statement/)
  assert.equal(placeholders(`SELECT ';'; -- done\n /* indeed */`).order.length, 0)
})

test('there is no parameter 0', () => {
  assert.throws(() => placeholders('$0'), /numbered from 1/)
})
