import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accounts } from '../../../core/index.ts'
import { dialImap } from '../../support/imap_wire.ts'
import { dial } from '../../support/wire.ts'
import { type ApiServer, ann, refused, serveApi, sharedApi, succeeded } from './support.ts'

const quota = `/v1/users/${ann.username}/quota`
const domain = '/v1/domains/site.test/quota'

const withAnn = async (): Promise<ApiServer> => {
  const own = await serveApi()
  succeeded(await own.api.post('/v1/users', { ...ann, createMailboxes: true }), 201)
  return own
}

interface UserQuota {
  readonly usedBytes: number
  readonly quotaBytes: number
  readonly quotaSource: string
  readonly mailboxes: readonly { readonly name: string; readonly messageCount: number; readonly usedBytes: number }[]
}

const read = async ({ api }: ApiServer): Promise<UserQuota> => (await api.get(quota)).json as UserQuota

/** The reply to a message of about that many bytes. */
const deliver = async ({ server }: ApiServer, bytes: number): Promise<string> => {
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<sender@example.org>', '250 *')
  const answer = await client.command(`RCPT TO:<${ann.username}>`, '*')
  if (!answer.startsWith('250')) return answer
  await client.command('DATA', '354 *')
  return await client.command(
    `Subject: x\r\n\r\n${'y'.repeat(70)}\r\n`.concat(`${'z'.repeat(70)}\r\n`.repeat(bytes / 72), '.'),
    '*',
  )
}

const session = async ({ server }: ApiServer) => {
  const client = await dialImap(server.port('imap'))
  await client.expect('* OK …')
  await client.ok(`LOGIN ${ann.username} ${ann.password}`)
  return client
}

const shared = sharedApi()

test('without any limit the source is none and the limit 0, and mailboxes are listed by name', async () => {
  await using own = await withAnn()
  const empty = (name: string) => ({ name, messageCount: 0, usedBytes: 0 })
  succeeded(await own.api.get(quota), 200, {
    username: ann.username,
    usedBytes: 0,
    quotaBytes: 0,
    quotaSource: 'none',
    mailboxes: ['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash'].map(empty),
  })
})

test('the limit of an account goes before that of its domain, 0 too, until it is removed', async () => {
  await using own = await withAnn()
  const limit = async () => {
    const { quotaBytes, quotaSource } = await read(own)
    return [quotaSource, quotaBytes]
  }
  succeeded(await own.api.put(domain, { quotaBytes: 10_000_000 }), 200)
  assert.deepEqual(await limit(), ['domain', 10_000_000])
  succeeded(await own.api.put(quota, { quotaBytes: 5_000_000 }), 200)
  assert.deepEqual(await limit(), ['user', 5_000_000])
  succeeded(await own.api.put(quota, { quotaBytes: 0 }), 200)
  assert.deepEqual(await limit(), ['user', 0])
  succeeded(await own.api.delete(quota), 204)
  assert.deepEqual(await limit(), ['domain', 10_000_000])
})

test('an account whose own limit is 0 gets mail that its domain would not allow', async () => {
  await using own = await withAnn()
  await own.api.put(domain, { quotaBytes: 100 })
  await own.api.put(quota, { quotaBytes: 0 })
  assert.match(await deliver(own, 1000), /^250 /)
})

test('mail above the limit is refused with 552 5.2.2', async () => {
  await using own = await withAnn()
  await own.api.put(quota, { quotaBytes: 2000 })
  assert.match(await deliver(own, 1000), /^250 /)
  assert.match(await deliver(own, 5000), /^552 5\.2\.2 Mailbox quota exceeded/)
  assert.equal((await read(own)).mailboxes.find(({ name }) => name === 'INBOX')?.messageCount, 1)
})

test('a limit below what is there deletes nothing and refuses new mail', async () => {
  await using own = await withAnn()
  await deliver(own, 3000)
  const { usedBytes } = await read(own)
  succeeded(await own.api.put(quota, { quotaBytes: 10 }), 200)
  assert.equal((await read(own)).usedBytes, usedBytes)
  assert.match(await deliver(own, 100), /^552 5\.2\.2 /)
})

test('usage is the sum of the mailboxes, and copies count', async () => {
  await using own = await withAnn()
  await deliver(own, 500)
  const { usedBytes } = await read(own)
  assert.ok(usedBytes > 500)
  await using client = await session(own)
  await client.ok('SELECT INBOX')
  await client.ok('COPY 1 Archive')
  const after = await read(own)
  assert.equal(after.usedBytes, 2 * usedBytes)
  assert.equal(
    after.mailboxes.reduce((sum, each) => sum + each.usedBytes, 0),
    after.usedBytes,
  )
})

test('a limit beyond what a number holds exactly is kept and told exactly', async () => {
  await using own = await withAnn()
  for (const bytes of ['9007199254740993', '9223372036854775807']) {
    succeeded(await own.api.put(quota, `{"quotaBytes":${bytes}}`), 200)
    assert.ok((await own.api.get(quota)).text.includes(`"quotaBytes":${bytes},`))
    succeeded(await own.api.put(domain, `{"quotaBytes":${bytes}}`), 200)
    const { text } = await own.api.get(domain)
    assert.ok(text.includes(`"quotaBytes":${bytes},`))
    assert.ok(text.includes(`"quotaOverride":${bytes}}`))
  }
})

test('of a limit that is too large the answer says what the largest is', async () => {
  await using own = await withAnn()
  for (const bytes of ['9223372036854775808', '18446744073709551616', '1e30']) {
    const reply = await own.api.put(quota, `{"quotaBytes":${bytes}}`)
    refused(reply, 400)
    assert.equal((reply.json as { message: string }).message, 'quotaBytes: must be <= 9223372036854775807')
  }
})

test('what is no number of bytes changes nothing', async () => {
  await using own = await withAnn()
  for (const path of [quota, domain]) {
    await own.api.put(path, { quotaBytes: 1234 })
    for (const body of [
      '{"quotaBytes":-1}',
      '{"quotaBytes":1.5}',
      '{"quotaBytes":"10"}',
      '{"quotaBytes":null}',
      '{"quotaBytes":true}',
      '{"quotaBytes":9223372036854775808}',
      '{"quotaBytes":1e30}',
      '{"quotaBytes":-9223372036854775809}',
      '{"quotabytes":10}',
      '{}',
      '',
    ]) {
      refused(await own.api.put(path, body), 400)
    }
    refused(await own.api.put(path), 400)
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml']) {
      refused(await own.api.put(path, '{"quotaBytes":10}', { headers: { 'Content-Type': type } }), 415)
    }
    assert.equal(((await own.api.get(path)).json as UserQuota).quotaBytes, 1234)
  }
})

test('a user without mailboxes has no quota', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', ann)
  refused(await own.api.get(quota), 404, { empty: true })
  refused(await own.api.put(quota, { quotaBytes: 1 }), 404, { empty: true })
  refused(await own.api.delete(quota), 404, { empty: true })
})

test('a domain lists its accounts with what they have and their own limits', async () => {
  await using own = await withAnn()
  for (const username of ['zoe@site.test', 'bob@other-site.test', 'x@sub.site.test']) {
    await own.api.post(`/v1/users/${username}/mailboxes`)
  }
  await own.api.put('/v1/users/zoe@site.test/quota', { quotaBytes: 0 })
  await own.api.put(domain, { quotaBytes: 777 })
  succeeded(await own.api.get('/v1/domains/SITE.test/quota'), 200, {
    domain: 'site.test',
    usedBytes: 0,
    quotaBytes: 777,
    userCount: 2,
    users: [
      { username: 'ann@site.test', usedBytes: 0 },
      { username: 'zoe@site.test', usedBytes: 0, quotaOverride: 0 },
    ],
  })
})

test('a domain that nobody knows is one with zeros', async () => {
  const own = shared()
  succeeded(await own.api.get('/v1/domains/unknown.test/quota'), 200, {
    domain: 'unknown.test',
    usedBytes: 0,
    quotaBytes: 0,
    userCount: 0,
    users: [],
  })
})

test('a domain may be written in any case and with A-labels', async () => {
  await using own = await serveApi()
  await own.api.put('/v1/domains/XN--BCHER-KVA.test/quota', { quotaBytes: 5 })
  const { json } = await own.api.get(`/v1/domains/${encodeURIComponent('bücher.TEST')}/quota`)
  assert.deepEqual(json, { domain: 'bücher.test', usedBytes: 0, quotaBytes: 5, userCount: 0, users: [] })
})

for (const name of [
  '%25',
  'a%25.test',
  '*',
  '_%25',
  '..',
  'a..b',
  '[127.0.0.1]',
  'a%20b.test',
  '%2e%2e%2f',
  '1.2.3.4',
  `${'x'.repeat(64)}.test`,
  '-x.test',
]) {
  test(`${name} is no domain`, async () => {
    const own = shared()
    refused(await own.api.get(`/v1/domains/${name}/quota`), 400)
    refused(await own.api.put(`/v1/domains/${name}/quota`, { quotaBytes: 1 }), 400)
  })
}

test('the limit of an account goes with it, and one that is made anew starts without', async () => {
  await using own = await withAnn()
  await own.api.put(quota, { quotaBytes: 5 })
  succeeded(await own.api.delete(`/v1/users/${ann.username}?delete_mailbox=true`), 200)
  await own.api.post('/v1/users', { ...ann, createMailboxes: true })
  assert.equal((await read(own)).quotaSource, 'none')
})

test('changes of quotas are in the audit log', async () => {
  await using own = await withAnn()
  await own.api.put(quota, { quotaBytes: 5 })
  await own.api.delete(quota)
  await own.api.put(domain, { quotaBytes: 6 })
  const log = await own.server.log()
  assert.match(log, /rest_api\/audit: user quota set\t.*"quota_bytes":"5".*"username":"ann@site\.test"/)
  assert.match(log, /rest_api\/audit: user quota removed\t/)
  assert.match(log, /rest_api\/audit: domain quota set\t.*"domain":"site\.test"/)
})

test('local mail is delivered without anybody having asked for the API', async () => {
  await using own = await serveApi({ block: 'rest_api tcp://127.0.0.1:0 {\nadmin_email a@b.test\nadmin_password x\n}' })
  await (await own.server.find('local_mailboxes', Accounts)).create(ann.username, [])
  await own.server.reload(`
    hostname mx.example.test
    tls off
    storage.imapsql local_mailboxes {
      driver sqlite3
      dsn imapsql.db
      msg_store sql
    }
    smtp tcp://127.0.0.1:0 {
      deliver_to &local_mailboxes
    }`)
  assert.match(await deliver(own, 100), /^250 /)
})
