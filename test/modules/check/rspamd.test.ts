import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Envelope, Message, Verdict } from '../../../core/index.ts'
import { Checks } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { certificate } from '../../support/certificates.ts'
import { instance } from '../../support/server.ts'
import { sampleEnvelope, sampleMessage } from '../../support/target.ts'
import { type RspamdServer, rspamdServer, valuesOf } from './rspamd_server.ts'

const patient = () => AbortSignal.timeout(20_000)

/** A check that asks that URL. */
const check = async (url: string, directives = '', files: Readonly<Record<string, string>> = {}) => {
  const conf = `checks group {\n rspamd ${url} {\n${directives}\n}\n}`
  const made = await instance(Checks, conf, { files })
  const [found] = made.api.checks
  assert.ok(found)
  return { check: found, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() }
}

interface Sent {
  readonly envelope?: Envelope
  readonly from?: string
  readonly to?: readonly string[]
  readonly message?: Message
  readonly signal?: AbortSignal
}

const judge = async (
  { check: asked }: Awaited<ReturnType<typeof check>>,
  { from = 'a@from.example', to = ['b@to.example'], envelope = sampleEnvelope(from), ...sent }: Sent = {},
): Promise<Verdict | undefined> => {
  const { message = sampleMessage(), signal = patient() } = sent
  const inspection = asked.begin(envelope)
  await inspection.sender?.(from === '' ? null : parseAddress(from), signal)
  for (const each of to) await inspection.recipient?.(parseAddress(each), signal)
  return await inspection.message?.(message, signal)
}

const urlOf = ({ port }: RspamdServer, scheme = 'http') => `${scheme}://127.0.0.1:${port}`

const outcome = (verdict: Verdict | undefined): string => {
  const { reason, action } = verdict ?? {}
  return reason ? `${action} ${reason.code} ${reason.enhanced} ${reason.message}` : 'pass'
}

const policy = 'Message rejected due to local policy'
const trouble = 'Internal error during policy check'
const points = 'X-Spam-Score: 7.46\r\n'
const flagged = [points, 'X-Spam-Flag: Yes\r\n']

for (const [action, directives, expected, fields] of [
  ['no action', '', 'pass', []],
  ['greylist', '', 'pass', [points]],
  ['add header', '', `quarantine 450 4.7.0 ${policy}`, flagged],
  ['add header', 'add_header_action ignore', `ignore 450 4.7.0 ${policy}`, flagged],
  ['add header', 'add_header_action reject 550 5.7.1 spam', 'reject 550 5.7.1 spam', flagged],
  ['rewrite subject', '', `quarantine 450 4.7.0 ${policy}`, flagged],
  ['rewrite subject', 'rewrite_subj_action reject', `reject 450 4.7.0 ${policy}`, flagged],
  ['soft reject', '', `reject 450 4.7.0 ${policy}`, []],
  ['soft reject', 'soft_reject_action ignore', `ignore 450 4.7.0 ${policy}`, []],
  ['soft reject', 'soft_reject_action quarantine', `quarantine 450 4.7.0 ${policy}`, []],
  ['reject', '', `reject 550 5.7.0 ${policy}`, []],
  ['reject', 'reject_action ignore', `ignore 550 5.7.0 ${policy}`, []],
  ['reject', 'reject_action quarantine', `quarantine 550 5.7.0 ${policy}`, []],
  ['reject', 'reject_action reject 554 5.7.1 "go away"', 'reject 554 5.7.1 go away', []],
  ['quarantine', '', 'pass', []],
  [null, '', 'pass', []],
] as const) {
  test(`\`${action}\` ${directives && `with ${directives} `}means: ${expected}`, async () => {
    await using server = await rspamdServer({ action, score: 7.456, symbols: {} })
    await using made = await check(urlOf(server), directives)
    const verdict = await judge(made)
    assert.equal(outcome(verdict), expected)
    assert.deepEqual(verdict?.fields ?? [], fields)
  })
}

test('a result without a score has none', async () => {
  await using server = await rspamdServer({ action: 'greylist' })
  await using made = await check(urlOf(server))
  assert.deepEqual((await judge(made))?.fields, ['X-Spam-Score: 0.00\r\n'])
})

for (const [what, text] of [
  ['no JSON', '<html>'],
  ['no object', '[]'],
  ['nothing', ''],
  ['an action that is no string', '{"action":1}'],
  ['a score that is no number', '{"action":"no action","score":"7"}'],
] as const) {
  test(`an answer that is ${what} counts as an error of the connection`, async () => {
    await using server = await rspamdServer(text)
    await using lenient = await check(urlOf(server))
    assert.equal(outcome(await judge(lenient)), `ignore 451 4.9.0 ${trouble}`)
    await using strict = await check(urlOf(server), 'io_error_action reject')
    assert.equal(outcome(await judge(strict)), `reject 451 4.9.0 ${trouble}`)
  })
}

for (const status of [300, 404, 500]) {
  test(`status ${status} is an error, whatever comes with it`, async () => {
    await using server = await rspamdServer({ action: 'reject', score: 15 }, { status })
    await using lenient = await check(urlOf(server), 'io_error_action reject')
    assert.equal(outcome(await judge(lenient)), `ignore 451 4.7.0 ${trouble}`)
    await using strict = await check(urlOf(server), 'error_resp_action reject 450 4.7.7 later')
    assert.equal(outcome(await judge(strict)), 'reject 450 4.7.7 later')
  })
}

test('any status from 200 to 299 is no error', async () => {
  await using server = await rspamdServer({ action: 'reject' }, { status: 202 })
  await using made = await check(urlOf(server))
  assert.equal(outcome(await judge(made)), `reject 550 5.7.0 ${policy}`)
})

/** A port where nobody listens. */
const closedPort = async (): Promise<number> => {
  const server = await rspamdServer('')
  await server[Symbol.asyncDispose]()
  return server.port
}

test('an rspamd that is down lets messages through, unless told otherwise', async () => {
  const url = `http://127.0.0.1:${await closedPort()}`
  await using lenient = await check(url)
  assert.equal(outcome(await judge(lenient)), `ignore 451 4.7.0 ${trouble}`)
  await using strict = await check(url, 'io_error_action reject')
  assert.equal(outcome(await judge(strict)), `reject 451 4.7.0 ${trouble}`)
})

test('a connection that is closed before an answer, or within one, is an error', async () => {
  for (const begun of ['', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"action":"no action"', 'SSH-2.0-x\r\n']) {
    await using server = await rspamdServer('', { respond: ({ socket }) => socket.end(begun) })
    await using made = await check(urlOf(server))
    assert.equal(outcome(await judge(made)), `ignore 451 4.7.0 ${trouble}`)
  }
})

test('an answer without end is an error', async () => {
  await using server = await rspamdServer('', {
    respond: (_request, response) => {
      const more = () => void response.write(' '.repeat(1024 * 1024), (error) => error || more())
      more()
    },
  })
  await using made = await check(urlOf(server))
  assert.equal(outcome(await judge(made)), `ignore 451 4.7.0 ${trouble}`)
})

test('an answer that comes before all of the message was sent counts', async () => {
  await using server = await rspamdServer('', {
    respond: (_request, response) => void response.end('{"action":"reject"}'),
  })
  await using made = await check(urlOf(server))
  const message = sampleMessage('A: b\r\n', 'x'.repeat(20_000_000))
  assert.equal(outcome(await judge(made, { message })), `reject 550 5.7.0 ${policy}`)
})

test('the stage rejects at its deadline when rspamd is silent', async () => {
  await using server = await rspamdServer('', { respond: () => {} })
  await using made = await check(urlOf(server))
  const stop = new AbortController()
  const running = judge(made, { signal: stop.signal })
  stop.abort(new Error('the check took too long'))
  await assert.rejects(running, { message: 'the check took too long' })
})

test('a message that cannot be read defers it, and is no error of rspamd', async () => {
  await using server = await rspamdServer({ action: 'no action' })
  await using made = await check(urlOf(server), 'io_error_action ignore')
  const body = {
    size: 10,
    memory: undefined,
    async *read() {
      yield Buffer.from('x')
      throw new Error('the disk is gone')
    },
  }
  await assert.rejects(judge(made, { message: { ...sampleMessage(), body } }), /cannot be read/)
})

test('the message is posted as it came, in chunks', async () => {
  await using server = await rspamdServer({ action: 'no action' })
  await using made = await check(urlOf(server))
  await judge(made, { message: sampleMessage('Subject: odd \r\n\tfold\r\nX: ä\r\n', 'one\r\n.\r\ntwo\n') })
  const [asked] = server.asked
  assert.ok(asked)
  assert.equal(`${asked.method} ${asked.url}`, 'POST /checkv2')
  assert.equal(asked.body, 'Subject: odd \r\n\tfold\r\nX: ä\r\n\r\none\r\n.\r\ntwo\n')
  assert.deepEqual(valuesOf(asked, 'Transfer-Encoding'), ['chunked'])
})

test('a large body is read from where it is kept as it is sent', async () => {
  await using server = await rspamdServer({ action: 'no action' })
  await using made = await check(urlOf(server))
  const chunk = Buffer.alloc(64 * 1024, 'x')
  const body = {
    size: 100 * chunk.length,
    memory: undefined,
    async *read() {
      for (let at = 0; at < 100; at++) yield chunk
    },
  }
  await judge(made, { message: { ...sampleMessage('A: b\r\n'), body } })
  assert.equal(server.asked[0]?.body.length, 8 + 100 * chunk.length)
})

const full: Envelope = {
  ...sampleEnvelope('a@from.example'),
  origin: {
    protocol: 'ESMTPS',
    helo: 'client.helo.example',
    peer: { ip: '2001:db8::1', port: 4711 },
    rdns: 'client.rdns.example',
    user: 'user@x.example',
    tls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', certificate: null },
  },
}

/** The headers of the one request for a message. */
const headersFor = async (sent: Sent, directives = ''): Promise<Record<string, string[]>> => {
  await using server = await rspamdServer({ action: 'no action' })
  await using made = await check(urlOf(server), directives)
  await judge(made, sent)
  const [asked] = server.asked
  assert.ok(asked)
  const ofHttp = new Set(['Host', 'Connection', 'Transfer-Encoding'])
  const names = asked.rawHeaders.filter((name, at) => at % 2 === 0 && !ofHttp.has(name))
  return Object.fromEntries(names.map((name) => [name, valuesOf(asked, name)]))
}

test('rspamd is told all that is known of the client, the sender and the recipients', async () => {
  const sent = { envelope: full, to: ['b@to.example', 'c@to.example', 'd@to.example'] }
  assert.deepEqual(await headersFor(sent, 'hostname mx.example\nsettings_id inbound\ntag mine'), {
    Pass: ['all'],
    'User-Agent': ['maddy'],
    'MTA-Tag': ['mine'],
    'Settings-ID': ['inbound'],
    'MTA-Name': ['mx.example'],
    From: ['a@from.example'],
    Rcpt: ['b@to.example', 'c@to.example', 'd@to.example'],
    'Queue-ID': ['0badcafe'],
    User: ['user@x.example'],
    IP: ['2001:db8::1'],
    Helo: ['client.helo.example'],
    Hostname: ['client.rdns.example'],
    'TLS-Cipher': ['TLS_AES_128_GCM_SHA256'],
    'TLS-Version': ['1.3'],
  })
})

test('what is not known is not told', async () => {
  const origin = { protocol: null, helo: '', peer: null, rdns: null, user: null, tls: null }
  assert.deepEqual(await headersFor({ envelope: { ...full, origin }, from: '', to: [] }, 'tag ""\nflags'), {
    Pass: ['all'],
    'User-Agent': ['maddy'],
    From: [''],
    'Queue-ID': ['0badcafe'],
  })
})

test('the tag is maddy, and flags are not sent, unless told otherwise', async () => {
  const headers = await headersFor({}, 'flags groups zstd')
  assert.deepEqual(headers['MTA-Tag'], ['maddy'])
  assert.ok(!('Flags' in headers))
})

test('the first version of TLS is 1.0', async () => {
  const tls = { version: 'TLSv1', cipher: 'TLS_RSA_WITH_AES_128_CBC_SHA', certificate: null }
  const headers = await headersFor({ envelope: { ...full, origin: { ...full.origin, tls } } })
  assert.deepEqual(headers['TLS-Version'], ['1.0'])
})

test('addresses and names that are not ASCII are told in UTF-8', async () => {
  const utf8 = (values: string[] | undefined) => values?.map((value) => Buffer.from(value, 'latin1').toString())
  const headers = await headersFor({ from: 'jäne@bücher.example', to: ['用户@例子.example'] })
  assert.deepEqual(utf8(headers.From), ['jäne@bücher.example'])
  assert.deepEqual(utf8(headers.Rcpt), ['用户@例子.example'])
})

test('what a client says cannot add a header', async () => {
  const headers = await headersFor({ envelope: { ...full, origin: { ...full.origin, helo: 'x\r\nUser: root' } } })
  assert.deepEqual(headers.Helo, ['x??User: root'])
  assert.deepEqual(headers.User, ['user@x.example'])
})

test('api_path goes before the words after the name, and its path before checkv2', async () => {
  await using server = await rspamdServer({ action: 'no action' })
  for (const path of ['/spam/', '/spam']) {
    await using made = await check('http://127.0.0.1:1', `api_path ${urlOf(server)}${path}`)
    await judge(made)
  }
  assert.deepEqual(
    server.asked.map(({ url }) => url),
    ['/spam/checkv2', '/spam/checkv2'],
  )
})

test('messages one after another use one connection', async () => {
  await using server = await rspamdServer({ action: 'no action' })
  await using made = await check(urlOf(server))
  for (let at = 0; at < 3; at++) await judge(made)
  assert.equal(new Set(server.asked.map(({ remotePort }) => remotePort)).size, 1)
})

test('a connection that was closed while idle is made anew', async () => {
  // It answers each first request of a connection, and closes without a word at the second.
  const served = new WeakSet<object>()
  let closed = 0
  await using server = await rspamdServer('', {
    respond: (request, response) => {
      const { socket } = request
      if (served.has(socket)) {
        closed += 1
        return void socket.destroy()
      }
      served.add(socket)
      request.resume().on('end', () => response.end('{"action":"reject"}'))
    },
  })
  await using made = await check(urlOf(server))
  for (let at = 0; at < 3; at++) assert.equal(outcome(await judge(made)), `reject 550 5.7.0 ${policy}`)
  assert.equal(closed, 2)
})

test('over https the certificate is verified, by the authorities of tls_client', async () => {
  const authority = await certificate({ names: ['authority'], authority: true })
  const tls = await certificate({ names: ['127.0.0.1'], issuer: authority })
  await using server = await rspamdServer({ action: 'reject' }, { tls })
  await using trusting = await check(urlOf(server, 'https'), 'tls_client {\n root_ca ca.pem\n}', {
    'ca.pem': authority.cert,
  })
  assert.equal(outcome(await judge(trusting)), `reject 550 5.7.0 ${policy}`)
  await using wary = await check(urlOf(server, 'https'))
  assert.equal(outcome(await judge(wary)), `ignore 451 4.7.0 ${trouble}`)
})

test('over https the certificate has to be that of the host in the URL', async () => {
  const authority = await certificate({ names: ['authority'], authority: true })
  const tls = await certificate({ names: ['other.example'], issuer: authority })
  await using server = await rspamdServer({ action: 'reject' }, { tls })
  await using made = await check(urlOf(server, 'https'), 'tls_client {\n root_ca ca.pem\n}', {
    'ca.pem': authority.cert,
  })
  assert.equal(outcome(await judge(made)), `ignore 451 4.7.0 ${trouble}`)
})

test('a message for thousands is judged like others, and rspamd is told as many recipients as it takes', async () => {
  await using server = await rspamdServer({ action: 'reject' })
  await using made = await check(urlOf(server))
  const to = Array.from({ length: 5000 }, (_, n) => `recipient${n}@to.example`)
  assert.equal(outcome(await judge(made, { to })), `reject 550 5.7.0 ${policy}`)
  const [asked] = server.asked
  const told = asked ? valuesOf(asked, 'Rcpt') : []
  assert.ok(told.length > 400)
  assert.deepEqual(told, to.slice(0, told.length))
})

test('credentials in the URL are sent', async () => {
  await using server = await rspamdServer({ action: 'no action' })
  await using made = await check(`http://user:secret@127.0.0.1:${server.port}`)
  await judge(made)
  const [asked] = server.asked
  assert.deepEqual(asked && valuesOf(asked, 'Authorization'), [`Basic ${btoa('user:secret')}`])
})

for (const [what, lines, message] of [
  ['no URL', 'rspamd 127.0.0.1:11333', /expected a URL such as http:\/\/127.0.0.1:11333, not 127.0.0.1:11333/],
  ['another kind of URL', 'rspamd ftp://127.0.0.1', /expected a URL/],
  ['a URL with a query', 'rspamd http://127.0.0.1/?x=1', /ends with a path/],
  ['two URLs', 'rspamd http://127.0.0.1 http://127.0.0.2', /rspamd takes only URL/],
  ['a directive that it does not have', 'rspamd {\n debug yes\n}', /no directive debug/],
  ['an action that does not exist', 'rspamd {\n reject_action drop\n}', /not drop/],
] as const) {
  test(`${what} is refused before the start`, async () => {
    await assert.rejects(instance(Checks, `checks group {\n${lines}\n}`), message)
  })
}
