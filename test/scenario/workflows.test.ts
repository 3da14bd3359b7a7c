import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { ApiClient, admin, conf, refused, succeeded } from '../modules/rest_api/support.ts'
import { ServerProcess } from '../support/process.ts'

/** One server for all tests of this file, each of which has users of its own. */
let server: ServerProcess
let api: ApiClient
let ports: { readonly smtp: number; readonly imap: number }

const password = 'correct horse battery'
const six = ['Archive', 'Drafts', 'INBOX', 'Sent', 'Spam', 'Trash']

before(async () => {
  const text = `state_dir state\nruntime_dir run\n${conf({ storage: 'junk_mailbox Spam', block: 'rest_api tcp://127.0.0.1:0' })}`
  server = await ServerProcess.fresh(
    { 'tsmaddy.conf': text },
    {
      args: ['-config', 'tsmaddy.conf', 'run'],
      env: { ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password, REQUESTS_PER_SECOND: '1000' },
    },
  )
  const [smtp, imap, rest] = (await server.status()).listeners.map(({ port }) => port)
  ports = { smtp: smtp ?? 0, imap: imap ?? 0 }
  api = new ApiClient(rest ?? 0)
})

after(() => server?.[Symbol.asyncDispose]())

const create = (username: string, createMailboxes: boolean) =>
  api.post('/v1/users', { username, password, createMailboxes })

/** Sends a message from another server; rejects with what the server says. */
const send = async (to: string, subject: string): Promise<void> => {
  const transport = createTransport({ host: '127.0.0.1', port: ports.smtp, ignoreTLS: true })
  try {
    await transport.sendMail({ from: 'friend@example.org', to, subject, text: 'Hello.' })
  } finally {
    transport.close()
  }
}

const bounced = (to: string) => assert.rejects(send(to, 'lost'), /501 5\.1\.1|5\.1\.1/)

interface Session extends AsyncDisposable {
  readonly client: ImapFlow
  /** Names of all mailboxes, sorted. */
  names(): Promise<string[]>
  /** Subjects of the messages in the INBOX. */
  subjects(): Promise<string[]>
}

const logIn = async (user: string, pass = password): Promise<Session> => {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: ports.imap,
    secure: false,
    auth: { user, pass },
    logger: false,
  })
  await client.connect()
  return {
    client,
    names: async () => (await client.list()).map(({ path }) => path).toSorted(),
    async subjects() {
      const lock = await client.getMailboxLock('INBOX')
      try {
        const found = await Array.fromAsync(client.fetch('1:*', { envelope: true }))
        return found.map(({ envelope }) => envelope?.subject ?? '')
      } finally {
        lock.release()
      }
    },
    [Symbol.asyncDispose]: () => client.logout(),
  }
}

const refusedLogin = (user: string) => assert.rejects(logIn(user), /authentication|Command failed/i)

test('workflow A: a user without mailbox gets no mail until the first login, which makes an INBOX alone', async () => {
  const user = 'a@site.test'
  succeeded(await create(user, false), 201)
  await bounced(user)
  refused(await api.get(`/v1/users/${user}/quota`), 404, { empty: true })
  await using session = await logIn(user)
  assert.deepEqual(await session.names(), ['INBOX'])
  await send(user, 'at last')
  assert.deepEqual(await session.subjects(), ['at last'])
})

test('workflow B: a user with mailbox gets mail at once, and has the folders of the configuration', async () => {
  const user = 'b@site.test'
  succeeded(await create(user, true), 201)
  await send(user, 'welcome')
  await using session = await logIn(user)
  assert.deepEqual(await session.names(), six)
  const uses = (await session.client.list()).map(({ path, specialUse }) => [path, specialUse])
  assert.ok(uses.some(([path, use]) => path === 'Spam' && use === '\\Junk'))
  assert.deepEqual(await session.subjects(), ['welcome'])
  const quota = (await api.get(`/v1/users/${user}/quota`)).json as {
    mailboxes: readonly { name: string; messageCount: number }[]
  }
  assert.deepEqual(
    quota.mailboxes.map(({ name, messageCount }) => [name, messageCount]),
    six.map((name) => [name, name === 'INBOX' ? 1 : 0]),
  )
})

test('workflow C: mailboxes that are made later are those of workflow B', async () => {
  const user = 'c@site.test'
  succeeded(await create(user, false), 201)
  succeeded(await api.post(`/v1/users/${user}/mailboxes`), 201)
  await send(user, 'now')
  await using session = await logIn(user)
  assert.deepEqual(await session.names(), six)
  assert.deepEqual(await session.subjects(), ['now'])
})

test('workflow C after a login that has made an account: a conflict, or the missing folders where they are asked for', async () => {
  const user = 'c2@site.test'
  succeeded(await create(user, false), 201)
  await using session = await logIn(user)
  await send(user, 'kept')
  refused(await api.post(`/v1/users/${user}/mailboxes`), 409)
  succeeded(await api.post(`/v1/users/${user}/mailboxes?ensure=true`), 200)
  assert.deepEqual(await session.names(), six)
  assert.deepEqual(await session.subjects(), ['kept'])
})

test('workflow D: a deleted user cannot log in, and mail goes on being stored for one to come', async () => {
  const user = 'd@site.test'
  succeeded(await create(user, true), 201)
  await send(user, 'before')
  succeeded(await api.delete(`/v1/users/${user}`), 200)
  await refusedLogin(user)
  await send(user, 'meanwhile')
  assert.equal((await api.get(`/v1/users/${user}/quota`)).status, 200)
  succeeded(await create(user, false), 201)
  await using session = await logIn(user)
  assert.deepEqual(await session.subjects(), ['before', 'meanwhile'])
})

test('workflow D with the mailbox: neither remains', async () => {
  const user = 'd2@site.test'
  succeeded(await create(user, true), 201)
  await send(user, 'gone')
  succeeded(await api.delete(`/v1/users/${user}?delete_mailbox=true`), 200)
  await refusedLogin(user)
  await bounced(user)
  succeeded(await create(user, true), 201)
  await using session = await logIn(user)
  assert.deepEqual(await session.subjects(), [])
})

test('workflow E: after its mailbox is deleted a user logs in to an empty one', async () => {
  const user = 'e@site.test'
  succeeded(await create(user, true), 201)
  await send(user, 'gone')
  succeeded(await api.delete(`/v1/users/${user}/mailboxes`), 200)
  await bounced(user)
  await using session = await logIn(user)
  assert.deepEqual(await session.names(), ['INBOX'])
  assert.deepEqual(await session.subjects(), [])
})
