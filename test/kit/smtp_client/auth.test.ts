import assert from 'node:assert/strict'
import { test } from 'node:test'
import { behaving } from './scripted.ts'
import { ann, connected, failureOf, told } from './support.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const plain = { mechanism: 'PLAIN', username: 'ann', password: 'sécret' } as const
const login = { mechanism: 'LOGIN', username: 'ann', password: 'secret' } as const

test('PLAIN goes with the command', async () => {
  await using server = await behaving()
  await using client = await connected(server)
  await client.authenticate(plain)
  assert.equal(server.seen[1], `AUTH PLAIN ${base64('\0ann\0sécret')}`)
})

test('LOGIN sends the name with the command, and the password when asked', async () => {
  await using server = await behaving({
    replies: { AUTH: `334 ${base64('Password:')}`, [base64('secret')]: '235 2.7.0 ok' },
  })
  await using client = await connected(server)
  await client.authenticate(login)
  assert.deepEqual(server.seen.slice(1), [`AUTH LOGIN ${base64('ann')}`, base64('secret')])
})

test('LOGIN repeats the name to a server that asks for it', async () => {
  await using server = await behaving({
    replies: {
      AUTH: `334 ${base64('Username:')}`,
      [base64('ann')]: `334 ${base64('Password:')}`,
      [base64('secret')]: '235 2.7.0 ok',
    },
  })
  await using client = await connected(server)
  await client.authenticate(login)
})

test('EXTERNAL goes with an empty response', async () => {
  await using server = await behaving()
  await using client = await connected(server)
  await client.authenticate({ mechanism: 'EXTERNAL' })
  assert.equal(server.seen[1], 'AUTH EXTERNAL =')
})

test('a refusal is passed on', async () => {
  await using server = await behaving({ replies: { AUTH: '535 5.7.8 Wrong' } })
  await using client = await connected(server)
  assert.equal(told(await failureOf(client.authenticate(plain))), '535 5.7.8 Wrong')
})

for (const [mechanism, credentials, challenge] of [
  ['PLAIN', plain, ''],
  ['EXTERNAL', { mechanism: 'EXTERNAL' }, base64('who?')],
  ['LOGIN', login, base64('PIN:')],
] as const) {
  test(`what ${mechanism} has no answer to ends the exchange`, async () => {
    await using server = await behaving({ replies: { AUTH: `334 ${challenge}`, '*': '501 5.0.0 cancelled' } })
    await using client = await connected(server)
    assert.equal(told(await failureOf(client.authenticate(credentials))), '451 4.3.0 Internal server error')
    assert.equal(server.seen.at(-1), '*')
    await client.begin(ann).begun
  })
}

test('a server that asks for ever is not answered for ever', async () => {
  const ask = `334 ${base64('Username:')}`
  await using server = await behaving({ replies: { AUTH: ask, [base64('ann')]: ask, '*': '501 no' } })
  await using client = await connected(server)
  await assert.rejects(client.authenticate(login), /asks for what AUTH LOGIN does not have/)
})

test('credentials with a NUL, which would be others than they seem, are not sent', async () => {
  await using server = await behaving()
  await using client = await connected(server)
  await assert.rejects(client.authenticate({ ...plain, password: 'a\0b' }), /NUL/)
  assert.deepEqual(server.seen, ['EHLO client.example'])
})

test('the trace has no credentials', async () => {
  const lines: string[] = []
  await using server = await behaving({
    replies: { AUTH: `334 ${base64('Password:')}`, [base64('secret')]: '235 2.7.0 ok' },
  })
  await using client = await connected(server, { trace: (line) => lines.push(line) })
  await client.authenticate(login)
  assert.deepEqual(lines.slice(-4), ['C: AUTH LOGIN ***', `S: 334 ${base64('Password:')}`, 'C: ***', 'S: 235 ok'])
})
