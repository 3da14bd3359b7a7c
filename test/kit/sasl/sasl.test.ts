import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SaslMechanism, SaslStep } from '../../../core/kit/sasl/index.ts'
import { isSaslMechanism, SaslError, saslServer, usableMechanisms } from '../../../core/kit/sasl/index.ts'
import { boundBy, people } from '../../support/sasl.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')
const authority = people(['ann@ex.test', 'secret'], ['ü', 'x'])

/** A challenge as text, or the name of who has logged in. */
const shown = (step: SaslStep): string | null =>
  'challenge' in step ? Buffer.from(step.challenge).toString() : step.username

/** Runs an exchange to its end. */
const run = async (mechanism: SaslMechanism, ...responses: (string | null)[]) => {
  const server = saslServer(mechanism, authority, null)
  const steps: (string | null)[] = []
  for (const response of responses) steps.push(shown(await server.step(response === null ? null : bytes(response))))
  return steps
}

const malformed = (error: unknown) => error instanceof SaslError && error.kind === 'malformed'

test('PLAIN takes name and password from the initial response', async () => {
  assert.deepEqual(await run('PLAIN', '\0ann@ex.test\0secret'), ['ann@ex.test'])
  assert.deepEqual(await run('PLAIN', '\0ann@ex.test\0wrong'), [null])
})

test('PLAIN without an initial response sends an empty challenge first', async () => {
  assert.deepEqual(await run('PLAIN', null, '\0ann@ex.test\0secret'), ['', 'ann@ex.test'])
})

test('an authzid that is the authcid is accepted', async () => {
  assert.deepEqual(await run('PLAIN', 'ann@ex.test\0ann@ex.test\0secret'), ['ann@ex.test'])
})

test('an authzid of somebody else, or in another case, is told apart from a malformed response', async () => {
  for (const authzid of ['bob@ex.test', 'ANN@ex.test']) {
    await assert.rejects(
      run('PLAIN', `${authzid}\0ann@ex.test\0secret`),
      (error) => error instanceof SaslError && error.kind === 'authzid',
    )
  }
})

test('PLAIN with any number of parts but three is malformed', async () => {
  for (const response of ['', 'ann', 'ann@ex.test\0secret', '\0ann\0secret\0', '\0a\0b\0c']) {
    await assert.rejects(run('PLAIN', response), { kind: 'malformed', message: 'sasl: invalid response' })
  }
})

test('names and passwords have to be UTF-8', async () => {
  await assert.rejects(run('PLAIN', '\0\xff\0secret'), malformed)
  await assert.rejects(run('LOGIN', 'ann', '\xc3'), malformed)
  assert.deepEqual(await run('PLAIN', `\0${Buffer.from('ü').toString('latin1')}\0x`), ['ü'])
})

test('LOGIN asks for name and password', async () => {
  const prompts = ['Username:', 'Password:']
  assert.deepEqual(await run('LOGIN', null, 'ann@ex.test', 'secret'), [...prompts, 'ann@ex.test'])
  assert.deepEqual(await run('LOGIN', null, 'ann@ex.test', 'wrong'), [...prompts, null])
})

test('the initial response of LOGIN is the name', async () => {
  assert.deepEqual(await run('LOGIN', 'ann@ex.test', 'secret'), ['Password:', 'ann@ex.test'])
})

test('a response after the end is malformed', async () => {
  await assert.rejects(run('LOGIN', 'ann', 'secret', 'more'), malformed)
  await assert.rejects(run('PLAIN', '\0a\0b', '\0a\0b'), malformed)
})

test('an exchange that has failed stays failed', async () => {
  const server = saslServer('PLAIN', authority, null)
  await assert.rejects(server.step(bytes('nonsense')), malformed)
  await assert.rejects(server.step(bytes('\0ann@ex.test\0secret')), malformed)
})

test('an authority that cannot answer is no wrong password', async () => {
  await assert.rejects(run('PLAIN', '\0ann@ex.test\0outage'), { message: 'outage' })
})

test('EXTERNAL without a certificate is refused', async () => {
  await assert.rejects(run('EXTERNAL', ''), { name: 'SaslError', kind: 'refused' })
})

test('mechanisms are known by the names of the registry', () => {
  const names = ['PLAIN', 'LOGIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS', 'EXTERNAL']
  assert.ok(names.every(isSaslMechanism))
  assert.ok(!['plain', 'CRAM-MD5', 'SCRAM-SHA-1', 'constructor'].some(isSaslMechanism))
})

test('channel binding is offered where the connection has one to give, EXTERNAL where a certificate was verified', () => {
  const all = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS', 'EXTERNAL'] as const
  assert.deepEqual(usableMechanisms(all, null), ['PLAIN', 'SCRAM-SHA-256'])
  assert.deepEqual(usableMechanisms(all, boundBy('tls-server-end-point', 'x')), ['PLAIN', 'SCRAM-SHA-256'])
  const bound = boundBy('tls-exporter', 'x')
  assert.deepEqual(usableMechanisms(all, bound), ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'])
})
