import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NormalizerName } from '../../../core/kit/address/index.ts'
import { normalizers } from '../../../core/kit/address/index.ts'

/** Input, function, outcome; null is an error. */
const rows: readonly (readonly [string, NormalizerName, string | null])[] = [
  ['Foo', 'auto', 'foo'],
  ['Foo@X.example', 'auto', 'foo@x.example'],
  ['a b', 'auto', null],
  ['Bob', 'auto', 'bob'],
  ['Bob', 'precis', 'Bob'],
  ['Bob', 'casefold', 'bob'],
  ['Bob', 'noop', 'Bob'],
  ['Bob@XN--MLLER-KVA.test', 'auto', 'bob@xn--mller-kva.test'],
  ['Bob@XN--MLLER-KVA.test', 'precis', 'Bob@XN--MLLER-KVA.test'],
  ['Bob@XN--MLLER-KVA.test', 'casefold', 'bob@xn--mller-kva.test'],
  ['Bob@xn--mller-kva.test', 'auto', 'bob@müller.test'],
  ['Bob@xn--mller-kva.test', 'precis', 'Bob@xn--mller-kva.test'],
  ['Bob@xn--mller-kva.test', 'casefold', 'bob@xn--mller-kva.test'],
  ['bob smith', 'precis', null],
  ['bob smith', 'casefold', 'bob smith'],
  ['Ｂｏｂ', 'auto', 'bob'],
  ['Ｂｏｂ', 'precis', 'Bob'],
  ['Ｂｏｂ', 'casefold', 'ｂｏｂ'],
  ['ΟΔΟΣ', 'auto', 'οδοσ'],
  ['ΟΔΟΣ', 'precis', 'ΟΔΟΣ'],
  ['ΟΔΟΣ', 'casefold', 'οδοσ'],
  ['@X.test', 'auto', '@x.test'],
  ['@X.test', 'precis', '@X.test'],
  ['Bob@', 'auto', 'bob@'],
  ['Bob@', 'precis', 'Bob@'],
  ['Bob@', 'casefold', 'bob@'],
  ['PostMaster', 'auto', 'postmaster@'],
  ['PostMaster', 'precis_email', 'PostMaster@'],
  ['Bob@X.Test.', 'precis_casefold_email', 'bob@x.test'],
  ['Bob@X.Test.', 'precis_email', 'Bob@x.test'],
  ['Bob', 'precis_casefold_email', null],
  ['Bob', 'precis_email', null],
  ['', 'auto', ''],
  ['', 'precis', ''],
]

for (const [input, name, expected] of rows) {
  test(`${name} makes ${expected === null ? 'an error' : JSON.stringify(expected)} of ${JSON.stringify(input)}`, () => {
    const run = () => normalizers[name](input)
    if (expected === null) assert.throws(run, RangeError)
    else assert.equal(run(), expected)
  })
}
