import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { passwordOf, withPassword } from '../../../core/kit/smtp/envelope.ts'
import { sampleEnvelope } from '../../support/target.ts'

const { origin } = sampleEnvelope('a@a.example')
const knowing = withPassword({ ...origin, user: 'ann' }, 'sesame')

test('an origin keeps the password of its user, for those who ask for it', () => {
  assert.equal(passwordOf(knowing), 'sesame')
  assert.equal(passwordOf({ ...sampleEnvelope('a@a.example'), origin: knowing }.origin), 'sesame')
  assert.equal(passwordOf(origin), undefined)
})

for (const [what, copy] of [
  ['a copy', { ...knowing }],
  ['JSON', JSON.parse(JSON.stringify(knowing))],
  ['a structured clone', structuredClone(knowing)],
] as const) {
  test(`${what} of an origin has everything but the password`, () => {
    assert.deepEqual(copy, { ...origin, user: 'ann' })
    assert.equal(passwordOf(copy), undefined)
  })
}

test('nobody who looks at an origin sees the password', () => {
  assert.ok(!inspect(knowing, { depth: 9 }).includes('sesame'))
  assert.ok(!JSON.stringify({ envelope: { origin: knowing } }).includes('sesame'))
  assert.deepEqual(Object.keys(knowing), Object.keys(origin))
})
