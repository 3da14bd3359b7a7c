import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashNow } from '../../../core/kit/password/format.ts'
import { serve } from '../../support/server.ts'
import { dial } from '../../support/wire.ts'

const stored = hashNow('secret', { hash: 'argon2', argon2Time: 1, argon2Memory: 8 })
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** A server whose only user is `ann`, and where users log in by the names that this map has. */
const mapped = (map: string) =>
  serve(`
    submission tcp://127.0.0.1:0 {
      hostname mx.example.org
      tls off
      sasl_login yes
      auth pass_table static {
        entry ann "${stored}"
      }
      auth_map ${map}
      deliver_to dummy
    }`)

const greeted = async (port: number) => {
  const client = await dial(port)
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  return client
}

for (const [map, name, reply] of [
  ['email_localpart', 'ann@ex.test', '235 *'],
  ['email_localpart', 'ann', '535 5.7.8 Invalid credentials'],
  ['email_localpart_optional', 'ann', '235 *'],
  ['email_localpart_optional', 'Ann@ex.test', '235 *'],
  ['static {\nentry ann@ex.test ann\n}', 'ann@ex.test', '235 *'],
  ['static {\nentry ann@ex.test ann\n}', 'ann', '535 5.7.8 Invalid credentials'],
] as const) {
  test(`with auth_map ${JSON.stringify(map)} ${name} is answered ${reply}, by PLAIN and by LOGIN`, async () => {
    await using server = await mapped(map)
    await using plain = await greeted(server.port('submission'))
    await plain.command(`AUTH PLAIN ${base64(`\0${name}\0secret`)}`, reply)
    await using login = await greeted(server.port('submission'))
    await login.command(`AUTH LOGIN ${base64(name)}`, '334 *')
    await login.command(base64('secret'), reply)
  })
}

test('who has logged in goes by the name as sent, whichever mechanism it was', async () => {
  await using server = await mapped('email_localpart')
  for (const mechanism of ['PLAIN', 'LOGIN']) {
    await using client = await greeted(server.port('submission'))
    if (mechanism === 'PLAIN') await client.command(`AUTH PLAIN ${base64('\0Ann@ex.test\0secret')}`, '235 *')
    else {
      await client.command(`AUTH LOGIN ${base64('Ann@ex.test')}`, '334 *')
      await client.command(base64('secret'), '235 *')
    }
    await client.command('MAIL FROM:<ann@ex.test>', '250 *')
    await client.command('RCPT TO:<b@h.example>', '250 *')
  }
  const names = (await server.log()).match(/incoming message.*"username":"Ann@ex\.test"/g)
  assert.equal(names?.length, 2)
})
