import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Origin, Verdict } from '../../../core/index.ts'
import { Check } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { instance, serve } from '../../support/server.ts'
import { sampleEnvelope, sampleMessage } from '../../support/target.ts'
import { dial } from '../../support/wire.ts'

const never = new AbortController().signal

/** A verdict in words: `reject 553 5.7.0 Text`. */
const shown = (verdict: Verdict | undefined): string =>
  verdict?.reason
    ? `${verdict.action} ${verdict.reason.code} ${verdict.reason.enhanced} ${verdict.reason.message}`
    : 'nothing'

const opened = async (lines: string, origin: Partial<Origin>) => {
  await using held = new AsyncDisposableStack()
  const check = held.use(await instance(Check, `check.authorize_sender c {\n${lines}\n}`))
  const envelope = sampleEnvelope('a@b.example')
  const inspection = check.api.begin({ ...envelope, origin: { ...envelope.origin, ...origin } })
  const kept = held.move()
  return { inspection, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/** What the check finds about MAIL from that sender, `''` being `<>`, and that user. */
const sent = async (from: string, user: string | null, lines = '', origin: Partial<Origin> = {}): Promise<string> => {
  await using check = await opened(lines, { user, ...origin })
  return shown(await check.inspection.sender?.(from === '' ? null : parseAddress(from), never))
}

/** What it finds about a header of a message from ann@ex.test. */
const headed = async (header: string, lines = '', origin: Partial<Origin> = {}): Promise<string> => {
  await using check = await opened(lines, { user: 'ann@ex.test', ...origin })
  return shown(await check.inspection.message?.(sampleMessage(header), never))
}

/** A table with these entries, as the directive of that name. */
const table = (name: string, ...entries: string[]) =>
  `${name} static {\n${entries.map((entry) => `entry ${entry}`).join('\n')}\n}`

const refusal = 'reject 553 5.7.0 Unauthorized use of sender address'
const internal = '454 4.7.0 Internal error during policy check'
/** As a directive of that name: a table that fails at every question. */
const broken = (name: string) =>
  `${name} sql_query {\ndriver sqlite3\ndsn :memory:\nlookup "SELECT NULL WHERE $1 = $1"\n}`

test('who has not logged in may not send', async () => {
  assert.equal(await sent('ann@ex.test', null), 'reject 530 5.7.0 Authentication required')
})

test('users may send from the address that is their name, in whatever case', async () => {
  assert.equal(await sent('ann@EX.test', 'Ann@Ex.test'), 'nothing')
})

test('users may not send from the address of somebody else', async () => {
  assert.equal(await sent('bob@ex.test', 'ann@ex.test'), refusal)
  assert.equal(await sent('ann@other.test', 'ann@ex.test'), refusal)
})

test('a domain in user_to_email allows every address of it, and of no other', async () => {
  const lines = table('user_to_email', 'ann@ex.test ex.test')
  assert.equal(await sent('anybody@ex.test', 'ann@ex.test', lines), 'nothing')
  assert.equal(await sent('anybody@sub.ex.test', 'ann@ex.test', lines), refusal)
})

test('a star in user_to_email allows every address', async () => {
  assert.equal(await sent('x@anywhere.test', 'ann@ex.test', table('user_to_email', 'ann@ex.test *')), 'nothing')
})

test('user_to_email may have several entries for a user', async () => {
  const lines = table('user_to_email', 'ann@ex.test ann@ex.test sales@ex.test')
  assert.equal(await sent('sales@ex.test', 'ann@ex.test', lines), 'nothing')
  assert.equal(await sent('boss@ex.test', 'ann@ex.test', lines), refusal)
})

test('a user without an entry in user_to_email may send from nowhere', async () => {
  assert.equal(await sent('ann@ex.test', 'ann@ex.test', table('user_to_email', 'bob@ex.test *')), refusal)
})

test('entries of user_to_email count as they are written', async () => {
  assert.equal(await sent('ann@ex.test', 'ann@ex.test', table('user_to_email', 'ann@ex.test Ann@ex.test')), refusal)
})

test('prepare_email tells which address is looked for', async () => {
  const lines = table('prepare_email', 'sales@ex.test ann@ex.test')
  assert.equal(await sent('sales@ex.test', 'ann@ex.test', lines), 'nothing')
  assert.equal(await sent('sales@ex.test', 'bob@ex.test', lines), refusal)
})

test('an address that prepare_email does not know is looked for itself', async () => {
  assert.equal(await sent('ann@ex.test', 'ann@ex.test', table('prepare_email', 'x@ex.test y@ex.test')), 'nothing')
})

test('one of several addresses of prepare_email is enough', async () => {
  const lines = table('prepare_email', 'team@ex.test bob@ex.test ann@ex.test')
  assert.equal(await sent('team@ex.test', 'ann@ex.test', lines), 'nothing')
})

for (const name of ['prepare_email', 'user_to_email']) {
  test(`a failure of ${name} is no refusal for good`, async () => {
    assert.equal(await sent('ann@ex.test', 'ann@ex.test', broken(name)), `reject ${internal}`)
  })
}

test('a value of prepare_email that is no address is a failure', async () => {
  const lines = table('prepare_email', 'ann@ex.test ann')
  assert.equal(await sent('ann@ex.test', 'ann@ex.test', lines), `reject ${internal}`)
})

test('users do not send bounces', async () => {
  assert.equal(await sent('', 'ann@ex.test'), `reject ${internal}`)
})

test('mail made on this machine has no user', async () => {
  const origin = { protocol: null, peer: null }
  assert.equal(await sent('ann@ex.test', null, '', origin), 'nothing')
  assert.equal(await headed('From: ann@ex.test\r\n', '', { user: null, ...origin }), 'nothing')
})

test('a sender address that cannot be normalised is refused', async () => {
  const verdict = await sent('"a b"@ex.test', 'ann@ex.test')
  assert.equal(verdict, 'reject 553 5.1.7 Unable to normalize sender address')
})

test('a user name that cannot be normalised is refused', async () => {
  const verdict = await sent('ann@ex.test', 'a b')
  assert.equal(verdict, 'reject 535 5.7.8 Unable to normalize authorization username')
})

test('names are normalised as the configuration says', async () => {
  assert.equal(await sent('Ann@ex.test', 'Ann@ex.test', 'auth_normalize noop\nfrom_normalize noop'), 'nothing')
  assert.equal(await sent('ann@ex.test', 'Ann@ex.test', 'auth_normalize noop'), refusal)
  assert.equal(await sent('Ann@ex.test', 'ann@ex.test', 'from_normalize noop'), refusal)
})

test('each kind of finding has its action', async () => {
  const lines = 'unauth_action ignore\nno_match_action quarantine 550 5.7.1 "Not yours"\nerr_action reject 451'
  assert.match(await sent('ann@ex.test', null, lines), /^ignore 530 /)
  assert.equal(await sent('bob@ex.test', 'ann@ex.test', lines), 'quarantine 550 5.7.1 Not yours')
  assert.equal(
    await sent('"a b"@ex.test', 'ann@ex.test', lines),
    'reject 451 4.7.0 Message rejected due to a local policy',
  )
})

test('the author may be the user', async () => {
  assert.equal(await headed('From: "Ann, of Ex" <Ann@EX.test>\r\n'), 'nothing')
})

test('somebody else may be the author when the user is the sender', async () => {
  assert.equal(await headed('From: boss@other.test\r\nSender: Ann <ann@ex.test>\r\n'), 'nothing')
})

test('somebody else may not be the author without a sender, or with a sender who is not the user', async () => {
  assert.equal(await headed('From: boss@other.test\r\n'), refusal)
  assert.equal(await headed('From: boss@other.test\r\nSender: bob@ex.test\r\n'), refusal)
  assert.equal(await headed('From: boss@other.test\r\nSender: boss@other.test\r\n'), refusal)
})

test('a header is no better for a user who has not logged in', async () => {
  assert.equal(await headed('From: ann@ex.test\r\n', 'unauth_action ignore', { user: null }), refusal)
})

test('a header is not refused for good when a table fails', async () => {
  assert.equal(await headed('From: ann@ex.test\r\n', broken('user_to_email')), `reject ${internal}`)
})

for (const [header, text] of [
  ['Subject: x\r\n', 'Missing From header'],
  ['From:\r\n', 'Missing From header'],
  ['From: nobody here\r\n', 'Malformed From header'],
  ['From: undisclosed:;\r\n', 'Malformed From header'],
  ['From: ann@ex.test, bob@ex.test\r\n', 'Multiple From addresses are not allowed'],
  ['From: ann@ex.test\r\nFrom: boss@other.test\r\n', 'Multiple From addresses are not allowed'],
  ['From: ann@ex.test\r\nSender: nobody here\r\n', 'Malformed Sender header'],
  ['From: boss@other.test\r\nSender: ann@ex.test, bob@ex.test\r\n', 'Malformed Sender header'],
  ['From: boss@other.test\r\nSender: ann@ex.test\r\nSender: bob@ex.test\r\n', 'Malformed Sender header'],
] as const) {
  test(`the header ${JSON.stringify(header)} is refused: ${text}`, async () => {
    assert.equal(await headed(header), `reject 550 5.7.0 ${text}`)
  })

  test(`the header ${JSON.stringify(header)} meets err_action, or malformed_action before it`, async () => {
    assert.equal(await headed(header, 'err_action quarantine'), `quarantine 550 5.7.0 ${text}`)
    assert.equal(await headed(header, 'malformed_action ignore'), `ignore 550 5.7.0 ${text}`)
  })
}

test('an encoded name in any charset is part of a proper header', async () => {
  assert.equal(await headed('From: =?koi8-r?B?4c7Oyg==?= <ann@ex.test>\r\n'), 'nothing')
})

test('headers are left alone when they are not to be looked at', async () => {
  await using check = await opened('check_header no', { user: 'ann@ex.test' })
  assert.equal(check.inspection.message, undefined)
})

const submission = (lines = '') =>
  `submission tcp://127.0.0.1:0 {\nhostname mx.ex.test\ntls off\ndefer_sender_reject no\nauth dummy\ndeliver_to dummy\ncheck {\nauthorize_sender {\n${lines}\n}\n}\n}`

/** A client that has logged in. */
const loggedIn = async (port: number, user: string) => {
  const client = await dial(port)
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command(`AUTH PLAIN ${Buffer.from(`\0${user}\0secret`).toString('base64')}`, '235 *')
  return client
}

test('a user sends from the own address, and from no other', async () => {
  await using server = await serve(submission())
  await using client = await loggedIn(server.port('submission'), 'Ann@Ex.test')
  await client.command('MAIL FROM:<bob@ex.test>', '553 5.7.0 Unauthorized use of sender address (msg ID = *)')
  await client.command('MAIL FROM:<>', '454 4.7.0 Internal error during policy check *')
  await client.command('MAIL FROM:<ann@EX.test>', '250 *')
  await client.command('RCPT TO:<bob@ex.test>', '250 *')
  await client.command('DATA', '354 *')
  client.send('From: boss@other.test\r\n\r\nHello\r\n.\r\n')
  await client.expect('553 5.7.0 Unauthorized use of sender address *')
  await client.command('MAIL FROM:<ann@ex.test>', '250 *')
  await client.command('RCPT TO:<bob@ex.test>', '250 *')
  await client.command('DATA', '354 *')
  client.send('From: boss@other.test\r\nSender: ann@ex.test\r\n\r\nHello\r\n.\r\n')
  await client.expect('250 2.0.0 OK: queued')
})

test('two authors are accepted and marked where a configuration says so', async () => {
  await using server = await serve(submission('err_action quarantine'))
  await using client = await loggedIn(server.port('submission'), 'ann@ex.test')
  await client.command('MAIL FROM:<ann@ex.test>', '250 *')
  await client.command('RCPT TO:<bob@ex.test>', '250 *')
  await client.command('DATA', '354 *')
  client.send('From: ann@ex.test, bob@ex.test\r\nSender: ann@ex.test\r\n\r\nHello\r\n.\r\n')
  await client.expect('250 2.0.0 OK: queued')
  assert.match(await server.log(), /quarantined.*"check":"authorize_sender"/)
})

test('an endpoint where nobody logs in refuses senders that have to be users', async () => {
  const conf = submission().replace('submission', 'smtp').replace('auth dummy\n', '')
  await using server = await serve(conf)
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<ann@ex.test>', '530 5.7.0 Authentication required *')
})

test('authorize_sender takes no words after its name', async () => {
  const conf = submission().replace('authorize_sender {', 'authorize_sender x {')
  await assert.rejects(serve(conf), /takes no words after its name/)
})
