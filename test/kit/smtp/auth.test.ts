import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ScramClient } from '../../support/scram_client.ts'
import { serve } from './recorder.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
/** What a challenge says. */
const decoded = (reply: string) => Buffer.from(reply.slice('334 '.length), 'base64').toString()
const right = base64('\0ann\0secret')
const options = { mechanisms: ['PLAIN', 'LOGIN'], insecureAuth: true } as const

test('AUTH is offered before SMTPUTF8', async () => {
  await using server = await serve(options)
  await using client = await server.dial()
  await client.expect('220 *')
  assert.match(await client.command('EHLO c', '250 *'), /CHUNKING\n250-AUTH PLAIN LOGIN\n250-SMTPUTF8/)
})

test('AUTH is not offered where it is not permitted', async () => {
  await using server = await serve({ mechanisms: ['PLAIN'] })
  await using client = await server.dial()
  await client.expect('220 *')
  assert.doesNotMatch(await client.command('EHLO c', '250 *'), /AUTH/)
})

test('PLAIN with an initial response', async () => {
  await using server = await serve(options)
  await using client = await server.greeted()
  await client.command(`AUTH plain ${right}`, '235 2.0.0 Authentication succeeded')
  await client.command(`AUTH PLAIN ${right}`, '503 5.5.1 Already authenticated')
})

test('PLAIN without one gets an empty challenge', async () => {
  await using server = await serve(options)
  await using client = await server.greeted()
  await client.command('AUTH PLAIN', '334 ')
  await client.command(right, '235 2.0.0 *')
})

test('LOGIN asks for name and password', async () => {
  await using server = await serve(options)
  await using client = await server.greeted()
  await client.command('AUTH LOGIN', `334 ${base64('Username:')}`)
  await client.command(base64('ann'), `334 ${base64('Password:')}`)
  await client.command(base64('secret'), '235 2.0.0 *')
})

test('LOGIN takes the name with the command', async () => {
  await using server = await serve(options)
  await using client = await server.greeted()
  await client.command(`AUTH LOGIN ${base64('ann')}`, `334 ${base64('Password:')}`)
  await client.command(base64('secret'), '235 2.0.0 *')
})

test('after wrong credentials another try is allowed', async () => {
  await using server = await serve(options)
  await using client = await server.greeted()
  await client.command(`AUTH PLAIN ${base64('\0ann\0wrong')}`, '535 5.7.8 Invalid credentials')
  await client.command(`AUTH PLAIN ${right}`, '235 2.0.0 *')
})

for (const [line, reply] of [
  ['AUTH CRAM-MD5', '454 4.7.0 unsupported SASL mechanism'],
  ['AUTH PLAIN *', '454 4.7.0 Invalid base64 data'],
  ['AUTH PLAIN =', '454 4.7.0 sasl: invalid response'],
  [`AUTH PLAIN ${base64('ann')}`, '454 4.7.0 sasl: invalid response'],
  [`AUTH PLAIN ${base64('bob\0ann\0secret')}`, '535 5.7.8 Invalid credentials'],
  [`AUTH PLAIN ${base64('\0ann\0outage')}`, '454 4.7.0 Temporary authentication failure'],
] as const) {
  test(`${line} is answered ${reply}`, async () => {
    await using server = await serve(options)
    await using client = await server.greeted()
    await client.command(line, reply)
  })
}

for (const [answer, reply] of [
  ['', '454 4.7.0 sasl: invalid response'],
  ['=', '454 4.7.0 sasl: invalid response'],
  ['AGFubg', '454 4.7.0 Invalid base64 data'],
  [' ', '454 4.7.0 Invalid base64 data'],
  [base64('ann'), '454 4.7.0 sasl: invalid response'],
] as const) {
  test(`the answer ${JSON.stringify(answer)} to the challenge of PLAIN is answered ${reply}`, async () => {
    await using server = await serve(options)
    await using client = await server.greeted()
    await client.command('AUTH PLAIN', '334 ')
    await client.command(answer, reply)
    await client.command(`AUTH PLAIN ${right}`, '235 *')
  })
}

test('an answer that is longer than a line may be ends the connection', async () => {
  await using server = await serve(options)
  await using client = await server.greeted()
  await client.command('AUTH PLAIN', '334 ')
  await client.command('A'.repeat(5_000), '500 5.4.0 Too long line, closing connection')
  await client.closed()
})

test('SCRAM goes over as many steps as it needs, and tells who has logged in', async () => {
  await using server = await serve({ mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'], insecureAuth: true })
  await using client = await server.dial()
  await client.expect('220 *')
  assert.match(await client.command('EHLO c', '250 *'), /^250-AUTH PLAIN SCRAM-SHA-256$/m) // no TLS, nothing to bind to
  const ann = new ScramClient('ann', 'secret')
  await client.command('AUTH SCRAM-SHA-256', '334 ')
  const challenge = await client.command(base64(ann.first), '334 *')
  const verdict = await client.command(base64(ann.final(decoded(challenge))), '334 *')
  assert.ok(ann.trusts(decoded(verdict)))
  await client.command('', '235 2.0.0 Authentication succeeded')
  assert.ok(server.recorder.events.includes('authenticated ann'))
})

test('a client that goes away before the end of SCRAM has not logged in', async () => {
  await using server = await serve({ mechanisms: ['SCRAM-SHA-256'], insecureAuth: true })
  await using client = await server.greeted()
  const ann = new ScramClient('ann', 'secret')
  const challenge = await client.command(`AUTH SCRAM-SHA-256 ${base64(ann.first)}`, '334 *')
  await client.command(base64(ann.final(decoded(challenge))), '334 *')
  client.end()
  await client.closed()
  assert.ok(!server.recorder.events.includes('authenticated ann'))
})

test('a mechanism that is switched off is unknown', async () => {
  await using server = await serve({ mechanisms: ['PLAIN'], insecureAuth: true })
  await using client = await server.greeted()
  await client.command('AUTH LOGIN', '454 4.7.0 unsupported SASL mechanism')
})

test('without providers credentials are wrong', async () => {
  await using server = await serve({ insecureAuth: true })
  await using client = await server.greeted()
  await client.command(`AUTH PLAIN ${right}`, '535 5.7.8 Invalid credentials')
})

test('an exchange can be cancelled', async () => {
  await using server = await serve(options)
  await using client = await server.greeted()
  await client.command('AUTH LOGIN', '334 *')
  await client.command('*', '501 5.0.0 Negotiation cancelled')
  await client.command('NOOP', '250 *')
})

test('MAIL needs AUTH where it is required', async () => {
  await using server = await serve({ ...options, authRequired: true })
  await using client = await server.greeted()
  await client.command('MAIL nonsense', '502 5.7.0 Please authenticate first')
  await client.command(`AUTH PLAIN ${right}`, '235 *')
  await client.command('MAIL FROM:<a@h.example>', '250 *')
})

test('EHLO does not end the login', async () => {
  await using server = await serve({ ...options, authRequired: true })
  await using client = await server.greeted()
  await client.command(`AUTH PLAIN ${right}`, '235 *')
  await client.command('EHLO again', '250 *')
  await client.command('MAIL FROM:<a@h.example>', '250 *')
})

test('credentials are masked in the dialogue', async () => {
  const lines: string[] = []
  await using server = await serve(options, { dialogue: (line) => lines.push(line) })
  await using client = await server.greeted()
  await client.command(`AUTH PLAIN ${right}`, '235 *')
  await client.command('QUIT', '221 *')
  assert.ok(lines.includes('C: AUTH PLAIN ***'))
  assert.ok(!lines.join('\n').includes(right))
})

test('the answers of an exchange are masked too', async () => {
  const lines: string[] = []
  await using server = await serve(options, { dialogue: (line) => lines.push(line) })
  await using client = await server.greeted()
  await client.command('AUTH PLAIN', '334 *')
  await client.command(right, '235 *')
  assert.ok(lines.includes('C: ***'))
  assert.ok(!lines.join('\n').includes(right))
})
