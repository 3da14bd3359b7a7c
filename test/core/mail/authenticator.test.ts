import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { before, test } from 'node:test'
import type { Auth, LoginClient, Provider, ScramAuth, ServerTls, Table } from '../../../core/index.ts'
import type { SaslMechanism, SaslStep } from '../../../core/kit/sasl/index.ts'
import { scramDecoy, scramSecret } from '../../../core/kit/sasl/index.ts'
import { Authenticator } from '../../../core/mail/authenticator.ts'
import { LoginGuard } from '../../../core/mail/logins.ts'
import { certificate } from '../../support/certificates.ts'
import { ScramClient } from '../../support/scram_client.ts'
import { keepingLog } from '../../support/tls.ts'

const peer = { ip: '192.0.2.1', port: 40_000 }
const at = { file: 'test.conf', line: 1, column: 1 }
const outage = () => Promise.reject(new Error('no connection'))

/** Keeps passwords for SCRAM. */
const keeping = (passwords: Record<string, string>, more: Partial<ScramAuth> = {}): Provider => {
  const auth: ScramAuth = {
    scramOffered: true,
    verify: async (username, password) => passwords[username] === password,
    async scramSecret(username) {
      const password = passwords[username]
      const salt = Buffer.from(username)
      return password === undefined ? undefined : scramSecret(password, { iterations: 4096, salt })
    },
    scramDecoy: async (username) => ({ ...scramDecoy(Buffer.from('key'), username), iterations: 4096 }),
    ...more,
  }
  return { auth, scram: auth }
}
const down = keeping({}, { verify: outage, scramSecret: outage })
const without = (auth: Auth): Provider => ({ auth, scram: undefined })
const table = (entries: Record<string, string[]>): Table => ({ lookup: async (key) => entries[key] ?? [] })

interface Options {
  readonly auth?: Provider[]
  readonly auth_map?: Table
  readonly sasl_external?: Table
  readonly waited?: number[]
}

const setup = ({
  auth = [keeping({ 'ann@ex.test': 'secret' })],
  auth_map,
  sasl_external,
  waited = [],
}: Options = {}) => {
  const { log, lines } = keepingLog()
  const logins = new LoginGuard({ now: () => 0, sleep: async (milliseconds) => void waited.push(milliseconds) })
  const tls = { asksClients: true } as ServerTls
  const values = { auth, auth_map, sasl_external, sasl_login: false, auth_map_normalize: 'auto', tls } as const
  return { login: new Authenticator(values, { logins, at }, log), lines, waited, auth }
}

const textOf = (step: SaslStep): string => ('challenge' in step ? String(Buffer.from(step.challenge)) : '')

/** Runs SCRAM to its end. Resolves to who has logged in. */
const scram = async (login: Authenticator, username: string, password: string) => {
  const exchange = login.exchange('SCRAM-SHA-256', { peer, channel: null })
  const client = new ScramClient(username, password)
  const challenge = textOf(await exchange.step(Buffer.from(client.first)))
  const verdict = await exchange.step(Buffer.from(client.final(challenge)))
  if (!('challenge' in verdict)) return verdict.username
  assert.ok(client.trusts(textOf(verdict)), 'the server does not know the password')
  const end = await exchange.step(new Uint8Array())
  assert.ok('username' in end)
  return end.username
}

/** What is shown to somebody who gives a name. */
const shownTo = async (login: Authenticator, username: string) => {
  const exchange = login.exchange('SCRAM-SHA-256', { peer, channel: null })
  return textOf(await exchange.step(Buffer.from(new ScramClient(username, '').first))).replace(/^r=[^,]*,/, '')
}

test('SCRAM is offered after the others, where every provider offers it', () => {
  const offered = (...auth: Provider[]): readonly SaslMechanism[] => setup({ auth }).login.mechanisms
  const ann = keeping({})
  assert.deepEqual(offered(ann, ann), ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'])
  assert.deepEqual(offered(ann, keeping({}, { scramOffered: false })), ['PLAIN'])
  assert.deepEqual(offered(ann, without(ann.auth)), ['PLAIN'])
  assert.deepEqual(offered(), [])
})

test('SCRAM lets in who knows the password, by the name as sent', async () => {
  const { login, lines } = setup()
  assert.equal(await scram(login, 'ANN@ex.test', 'secret'), 'ANN@ex.test')
  assert.deepEqual(lines, [])
})

test('a wrong password and an unknown name fail alike in SCRAM, as they do in PLAIN', async () => {
  const { login, lines } = setup()
  assert.equal(await scram(login, 'ann@ex.test', 'wrong'), null)
  assert.equal(await scram(login, 'bob@ex.test', 'secret'), null)
  const reason = 'no auth. provider accepted creds, last err: invalid credentials'
  assert.deepEqual(
    lines.map(({ event, fields }) => ({ event, ...fields })),
    ['ann@ex.test', 'bob@ex.test'].map((username) => ({
      event: 'authentication failed',
      reason,
      src_ip: '192.0.2.1:40000',
      username,
    })),
  )
})

test('failures of SCRAM slow down the account, those of PLAIN with them', async () => {
  const { login, waited } = setup()
  await scram(login, 'ann@ex.test', 'wrong')
  assert.deepEqual(waited, [1_000])
  await login.verify('ANN@EX.TEST', 'wrong', null)
  assert.deepEqual(waited, [1_000, 1_000, 2_000])
})

test('an unknown name is shown what could be that of a user, the same each time', async () => {
  const { login } = setup()
  const bob = await shownTo(login, 'bob@ex.test')
  assert.match(bob, /^s=[A-Za-z0-9+/]{22}==,i=4096$/)
  assert.equal(await shownTo(login, 'BOB@ex.test'), bob)
  assert.notEqual(await shownTo(login, 'eve@ex.test'), bob)
})

test('a name that cannot be one is shown something too, and refused', async () => {
  const { login } = setup({ auth: [down] })
  assert.match(await shownTo(login, 'ann smith'), /^s=.*,i=4096$/)
  assert.equal(await scram(login, 'ann smith', 'secret'), null)
})

test('auth_map gives the name for SCRAM, and refuses names without an entry', async () => {
  const { login } = setup({ auth: [keeping({ ann: 'secret' })], auth_map: table({ 'ann@ex.test': ['ann'] }) })
  assert.equal(await scram(login, 'Ann@ex.test', 'secret'), 'Ann@ex.test')
  assert.equal(await scram(login, 'ann', 'secret'), null)
})

test('the first provider that knows the user is the one that SCRAM asks', async () => {
  const auth = [keeping({}), keeping({ ann: 'first' }), keeping({ ann: 'second' })]
  assert.equal(await scram(setup({ auth }).login, 'ann', 'first'), 'ann')
  assert.equal(await scram(setup({ auth }).login, 'ann', 'second'), null)
})

test('a provider that is down does not keep out who another one knows', async () => {
  const { login, lines } = setup({ auth: [down, keeping({ ann: 'secret' })] })
  assert.equal(await scram(login, 'ann', 'secret'), 'ann')
  assert.deepEqual(lines, [])
})

test('when a provider is down a wrong proof is no wrong password', async () => {
  const { login, lines, waited } = setup({ auth: [down, keeping({ ann: 'secret' })] })
  await assert.rejects(scram(login, 'ann', 'wrong'), /no connection/)
  await assert.rejects(scram(login, 'bob', 'secret'), /no connection/)
  assert.deepEqual([...new Set(lines.map(({ event }) => event))], ['credentials could not be checked'])
  assert.deepEqual(waited, [])
})

test('an auth_map that cannot answer is an outage for SCRAM too', async () => {
  await assert.rejects(scram(setup({ auth_map: { lookup: outage } }).login, 'ann@ex.test', 'secret'), /no connection/)
})

test('what is refused before there is a proof is logged, once', async () => {
  const { login, lines } = setup()
  const exchange = login.exchange('SCRAM-SHA-256', { peer, channel: null })
  await assert.rejects(exchange.step(Buffer.from('p=tls-exporter,,n=ann,r=x')), { name: 'SaslError', kind: 'refused' })
  assert.deepEqual(
    lines.map(({ event, fields }) => [event, fields.username, fields.src_ip]),
    [['authentication failed', '', '192.0.2.1:40000']],
  )
})

let shown: Record<'ann' | 'two' | 'named', X509Certificate>

before(async () => {
  const made = async (options: Parameters<typeof certificate>[0]) =>
    new X509Certificate((await certificate(options)).cert)
  shown = {
    ann: await made({ names: ['Ann Smith'], emails: ['Ann@EX.test'] }),
    two: await made({ names: ['x'], emails: ['ann@ex.test', 'ann@other.test'] }),
    named: await made({ names: ['ann'] }),
  }
})

const identity: Table = { lookup: async (key) => [key] }
const external = async (login: Authenticator, certificate: X509Certificate, authzid = '') => {
  const client: LoginClient = { peer, channel: { binding: () => undefined, certificate } }
  const step = await login.exchange('EXTERNAL', client).step(Buffer.from(authzid))
  assert.ok('username' in step)
  return step.username
}

test('EXTERNAL is offered last, where there is a table for it, and needs no provider', () => {
  assert.deepEqual(setup({ sasl_external: identity }).login.mechanisms.at(-1), 'EXTERNAL')
  assert.deepEqual(setup({ sasl_external: identity, auth: [] }).login.mechanisms, ['EXTERNAL'])
})

test('sasl_external where no client is asked for a certificate is no configuration', () => {
  for (const tls of [null, undefined, { asksClients: false } as ServerTls]) {
    const values = { auth: [], auth_map: undefined, sasl_external: identity, sasl_login: false } as const
    const { log } = keepingLog()
    const context = { logins: new LoginGuard(), at }
    assert.throws(() => new Authenticator({ ...values, auth: [], auth_map_normalize: 'auto', tls }, context, log), {
      name: 'ConfigError',
      message: /sasl_external needs client_ca/,
    })
  }
})

test('EXTERNAL lets in the owner of the address in the certificate, normalised, or of its name', async () => {
  const { login } = setup({ sasl_external: identity })
  assert.equal(await external(login, shown.ann), 'ann@ex.test')
  assert.equal(await external(login, shown.named), 'ann')
})

test('a table says whose the certificates are, and who has none there is refused', async () => {
  const { login, lines } = setup({ sasl_external: table({ 'ann@other.test': ['ann'] }) })
  assert.equal(await external(login, shown.two), 'ann')
  assert.equal(await external(login, shown.ann), null)
  assert.deepEqual(
    lines.map(({ event, fields }) => [event, fields.reason, fields.username]),
    [['authentication failed', 'no entry in sasl_external', 'ann@ex.test']],
  )
})

test('an authzid has to be one of those that the certificate stands for', async () => {
  const { login, lines } = setup({ sasl_external: identity })
  assert.equal(await external(login, shown.two, 'ann@other.test'), 'ann@other.test')
  await assert.rejects(external(login, shown.two, 'bob@ex.test'), { name: 'SaslError', kind: 'authzid' })
  assert.deepEqual(
    lines.map(({ event }) => event),
    ['authentication failed'],
  )
})

test('auth_map keeps out whom it does not know, whatever the certificate says', async () => {
  const { login } = setup({ sasl_external: identity, auth_map: table({ 'ann@ex.test': ['ann'] }) })
  assert.equal(await external(login, shown.ann), 'ann@ex.test')
  assert.equal(await external(login, shown.named), null)
})

test('a table that cannot answer is an outage, not a wrong certificate', async () => {
  const { login, lines } = setup({ sasl_external: { lookup: outage } })
  await assert.rejects(external(login, shown.ann), /no connection/)
  assert.deepEqual(
    lines.map(({ event }) => event),
    ['credentials could not be checked'],
  )
})
