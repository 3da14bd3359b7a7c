import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SaslMechanism } from '../../../core/kit/sasl/index.ts'
import { isSaslMechanism, SaslError, saslServer } from '../../../core/kit/sasl/index.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')

/** Runs an exchange to its end; challenges come out as text. */
const run = (mechanism: SaslMechanism, ...responses: (string | null)[]) => {
  const server = saslServer(mechanism)
  return responses.map((response) => {
    const step = server.step(response === null ? null : bytes(response))
    return 'challenge' in step ? Buffer.from(step.challenge).toString() : step
  })
}

const ann = { username: 'ann@ex.test', password: 'secret' }

const malformed = (error: unknown) => error instanceof SaslError && error.kind === 'malformed'

test('PLAIN takes name and password from the initial response', () => {
  assert.deepEqual(run('PLAIN', '\0ann@ex.test\0secret'), [ann])
})

test('PLAIN without an initial response sends an empty challenge first', () => {
  assert.deepEqual(run('PLAIN', null, '\0ann@ex.test\0secret'), ['', ann])
})

test('an authzid that is the authcid is accepted', () => {
  assert.deepEqual(run('PLAIN', 'ann@ex.test\0ann@ex.test\0secret'), [ann])
})

test('an authzid of somebody else, or in another case, is told apart from a malformed response', () => {
  for (const authzid of ['bob@ex.test', 'ANN@ex.test']) {
    assert.throws(
      () => run('PLAIN', `${authzid}\0ann@ex.test\0secret`),
      (error) => error instanceof SaslError && error.kind === 'authzid',
    )
  }
})

test('PLAIN with any number of parts but three is malformed', () => {
  for (const response of ['', 'ann', 'ann@ex.test\0secret', '\0ann\0secret\0', '\0a\0b\0c']) {
    assert.throws(() => run('PLAIN', response), { kind: 'malformed', message: 'sasl: invalid response' })
  }
})

test('names and passwords have to be UTF-8', () => {
  assert.throws(() => run('PLAIN', '\0\xff\0secret'), malformed)
  assert.throws(() => run('LOGIN', 'ann', '\xc3'), malformed)
  assert.deepEqual(run('PLAIN', `\0${Buffer.from('ü').toString('latin1')}\0x`), [{ username: 'ü', password: 'x' }])
})

test('LOGIN asks for name and password', () => {
  assert.deepEqual(run('LOGIN', null, 'ann@ex.test', 'secret'), ['Username:', 'Password:', ann])
})

test('the initial response of LOGIN is the name', () => {
  assert.deepEqual(run('LOGIN', 'ann@ex.test', 'secret'), ['Password:', ann])
})

test('a response after the end is malformed', () => {
  assert.throws(() => run('LOGIN', 'ann', 'secret', 'more'), malformed)
  assert.throws(() => run('PLAIN', '\0a\0b', '\0a\0b'), malformed)
})

test('an exchange that has failed stays failed', () => {
  const server = saslServer('PLAIN')
  assert.throws(() => server.step(bytes('nonsense')), malformed)
  assert.throws(() => server.step(bytes('\0ann\0secret')), malformed)
})

test('mechanisms are known by the names of the registry', () => {
  assert.deepEqual(['PLAIN', 'LOGIN', 'plain', 'CRAM-MD5', 'constructor'].map(isSaslMechanism), [
    true,
    true,
    false,
    false,
    false,
  ])
})
