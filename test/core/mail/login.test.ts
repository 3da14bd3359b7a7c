import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Auth, Provider, Table } from '../../../core/index.ts'
import type { NormalizerName } from '../../../core/kit/address/index.ts'
import { Authenticator } from '../../../core/mail/authenticator.ts'
import { loginDirectives } from '../../../core/mail/login.ts'
import { LoginGuard } from '../../../core/mail/logins.ts'
import { directive } from '../../support/nodes.ts'
import { read } from '../../support/scope.ts'
import { keepingLog } from '../../support/tls.ts'

interface Options {
  readonly auth?: readonly Auth[]
  readonly auth_map?: Table
  readonly auth_map_normalize?: NormalizerName
  readonly sasl_login?: boolean
}

const at = { file: 'test.conf', line: 1, column: 1 }

const providers = (auth: readonly Auth[]): Provider[] => auth.map((each) => ({ auth: each, scram: undefined }))

const setup = ({ auth = [passwords], auth_map, auth_map_normalize = 'auto', sasl_login = false }: Options = {}) => {
  const { log, lines } = keepingLog()
  const logins = new LoginGuard({ first: 0, longest: 0 })
  return {
    lines,
    login: new Authenticator(
      { auth: providers(auth), auth_map, auth_map_normalize, sasl_login, sasl_external: undefined },
      { logins, at },
      log,
    ),
  }
}

/** Knows ann@ex.test and ann, both with the password `secret`. */
const passwords: Auth = {
  verify: async (username, password) => ['ann@ex.test', 'ann'].includes(username) && password === 'secret',
}
const down: Auth = { verify: () => Promise.reject(new Error('no connection to ldap.internal')) }
const nobody: Auth = { verify: async () => false }
const table = (entries: Record<string, string[]>): Table => ({ lookup: async (key) => entries[key] ?? [] })
const peer = { ip: '192.0.2.1', port: 40_000 }

test('the right password is accepted, a wrong one and an unknown name are not', async () => {
  const { login } = setup()
  assert.equal(await login.verify('ann@ex.test', 'secret', peer), true)
  assert.equal(await login.verify('ann@ex.test', 'wrong', peer), false)
  assert.equal(await login.verify('bob@ex.test', 'secret', peer), false)
})

test('names are normalised before a provider sees them', async () => {
  assert.equal(await setup().login.verify('ANN@EX.TEST', 'secret', peer), true)
  assert.equal(await setup({ auth_map_normalize: 'noop' }).login.verify('ANN@EX.TEST', 'secret', peer), false)
})

test('a name that cannot be normalised is refused, and no provider is asked', async () => {
  const { login } = setup({ auth: [down] })
  assert.equal(await login.verify('ann smith', 'secret', peer), false)
})

test('auth_map gives the name for the providers, the first of several, once', async () => {
  const { login } = setup({ auth_map: table({ 'ann@ex.test': ['ann', 'bob'] }) })
  assert.equal(await login.verify('Ann@ex.test', 'secret', peer), true)
  assert.equal(await login.verify('ann', 'secret', peer), false)
})

test('a name without an entry in auth_map is refused, and no provider is asked', async () => {
  const { login } = setup({ auth: [down], auth_map: table({}) })
  assert.equal(await login.verify('ann@ex.test', 'secret', peer), false)
})

test('an auth_map that cannot answer is an outage, not a wrong password', async () => {
  const { login } = setup({ auth_map: { lookup: () => Promise.reject(new Error('down')) } })
  await assert.rejects(login.verify('ann@ex.test', 'secret', peer), /down/)
})

test('any provider may accept, whatever the ones before it say', async () => {
  assert.equal(await setup({ auth: [nobody, down, passwords] }).login.verify('ann', 'secret', peer), true)
})

test('when nobody accepts and one cannot answer, it is an outage', async () => {
  await assert.rejects(setup({ auth: [down, nobody] }).login.verify('ann', 'secret', peer), /no connection/)
})

test('a failure is logged with reason, src_ip and username as sent, and nothing else', async () => {
  const { login, lines } = setup()
  await login.verify('ANN@ex.test', 'wrong', peer)
  await login.verify('ann', 'wrong', { ip: '2001:db8::1', port: 25 })
  const reason = 'no auth. provider accepted creds, last err: invalid credentials'
  assert.deepEqual(lines, [
    {
      level: 'error',
      event: 'authentication failed',
      fields: { reason, src_ip: '192.0.2.1:40000', username: 'ANN@ex.test' },
    },
    { level: 'error', event: 'authentication failed', fields: { reason, src_ip: '[2001:db8::1]:25', username: 'ann' } },
  ])
})

test('an outage is logged in other words, so that nobody is banned for it', async () => {
  const { login, lines } = setup({ auth: [down] })
  await assert.rejects(login.verify('ann', 'secret', peer))
  assert.deepEqual(
    lines.map(({ event }) => event),
    ['credentials could not be checked'],
  )
})

test('PLAIN is offered where there are providers, LOGIN when it is asked for', () => {
  assert.deepEqual(setup({ auth: [] }).login.mechanisms, [])
  assert.deepEqual(setup().login.mechanisms, ['PLAIN'])
  assert.deepEqual(setup({ sasl_login: true }).login.mechanisms, ['PLAIN', 'LOGIN'])
})

test('failures slow down the account under its normalised name', async () => {
  const { log } = keepingLog()
  const waited: number[] = []
  const guard = new LoginGuard({ now: () => 0, sleep: async (milliseconds) => void waited.push(milliseconds) })
  const none = { auth_map: undefined, sasl_login: false, sasl_external: undefined }
  const values = { ...none, auth: providers([passwords]), auth_map_normalize: 'auto' } as const
  const login = new Authenticator(values, { logins: guard, at }, log)
  await login.verify('ann@ex.test', 'wrong', null)
  await login.verify('ANN@EX.TEST', 'wrong', null)
  assert.deepEqual(waited, [1_000, 1_000, 2_000])
})

test('an unknown normalisation is an error that names the known ones', async () => {
  await assert.rejects(read(loginDirectives.auth_map_normalize, directive('auth_map_normalize', 'bogus')), {
    message: /test\.conf:1:20: expected auto, precis_casefold_email, .*noop, not bogus/,
  })
})
