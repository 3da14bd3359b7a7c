import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { ImapFlow } from 'imapflow'
import { imapServer } from '../../support/imap_server.ts'
import { tlsOf } from '../../support/tls.ts'

const message = [
  'From: Alice <alice@example.org>',
  'To: bob@example.net',
  'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=',
  'Message-ID: <1@example.org>',
  'Date: Mon, 2 Mar 2026 10:00:00 +0100',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Guten Tag',
  '',
].join('\r\n')

const flow = (port: number, more = {}) =>
  new ImapFlow({
    host: '127.0.0.1',
    port,
    auth: { user: 'user@example.org', pass: 'secret' },
    logger: false,
    tls: { rejectUnauthorized: false },
    ...more,
  })

test('imapflow logs in over STARTTLS, compresses, and works with mailboxes and messages', async () => {
  await using tls = await tlsOf('tls self_signed')
  await using server = await imapServer({ settings: { tls: tls.tls, insecureAuth: false } })
  const client = flow(server.port, { secure: false, doSTARTTLS: true })
  await client.connect()
  try {
    await client.mailboxCreate('Entwürfe.2026')
    await client.mailboxCreate('Archiv')
    assert.deepEqual((await client.list()).map(({ path }) => path).toSorted(), [
      'Archiv',
      'Entwürfe',
      'Entwürfe.2026',
      'INBOX',
    ])
    const appended = await client.append('INBOX', message, ['\\Flagged'])
    assert.ok(appended && appended.uid === 1)
    const lock = await client.getMailboxLock('INBOX')
    try {
      const found = await client.fetchOne('1', { envelope: true, flags: true, source: true, bodyStructure: true })
      assert.ok(found)
      assert.equal(found.envelope?.subject, 'Grüße')
      assert.equal(found.source?.toString(), message)
      assert.ok(found.flags?.has('\\Flagged'))
      assert.equal(found.bodyStructure?.type, 'text/plain')
      assert.deepEqual(await client.search({ from: 'alice', body: 'guten' }, { uid: true }), [1])
      assert.ok(await client.messageFlagsAdd('1', ['\\Seen', '$Junk']))
      const moved = await client.messageMove('1', 'Archiv')
      assert.ok(moved)
      assert.equal(moved.uidMap?.get(1), 1)
    } finally {
      lock.release()
    }
    const status = await client.status('Archiv', { messages: true, unseen: true, uidNext: true })
    assert.ok(status)
    assert.deepEqual([status.messages, status.unseen, status.uidNext], [1, 0, 2])
  } finally {
    await client.logout()
  }
})

test('imapflow hears of new mail while it idles', async () => {
  await using server = await imapServer()
  const client = flow(server.port, { secure: false, doSTARTTLS: false })
  await client.connect()
  try {
    await client.mailboxOpen('INBOX')
    const exists = new Promise<number>((resolve) => client.once('exists', ({ count }) => resolve(count)))
    const idling = client.idle()
    await using other = await server.logIn()
    await other.append('INBOX', message)
    assert.equal(await exists, 1)
    await client.noop()
    await idling
  } finally {
    await client.logout()
  }
})

test('imapflow reads large attachments piece by piece', async () => {
  await using server = await imapServer()
  const client = flow(server.port, { secure: false, doSTARTTLS: false })
  await client.connect()
  try {
    const large = `${message}${'0123456789abcdef\r\n'.repeat(100_000)}`
    await client.append('INBOX', large)
    await client.mailboxOpen('INBOX')
    const { content } = await client.download('1')
    const chunks: Buffer[] = []
    assert.ok(content)
    for await (const chunk of content) chunks.push(chunk)
    assert.equal(Buffer.concat(chunks).toString(), large)
  } finally {
    await client.logout()
  }
})

const python = spawnSync('python3', ['-c', 'import imaplib']).status === 0

const script = `
import imaplib, sys
box = imaplib.IMAP4('127.0.0.1', int(sys.argv[1]))
box.login('user@example.org', 'secret')
def ok(answer):
    assert answer[0] == 'OK', answer
    return answer[1]
ok(box.create('Work'))
message = b'Subject: hello\\r\\n\\r\\nbody\\r\\n'
ok(box.append('INBOX', '(\\\\Flagged)', imaplib.Time2Internaldate(0), message))
ok(box.append('INBOX', None, None, message.replace(b'hello', b'second')))
assert ok(box.select()) == [b'2']
assert ok(box.search(None, 'SUBJECT', 'HELLO')) == [b'1']
fetched = ok(box.fetch('1', '(FLAGS INTERNALDATE BODY.PEEK[])'))
assert fetched[0][1] == message, fetched
assert imaplib.Internaldate2tuple(fetched[0][0]) is not None
assert b'\\\\Flagged' in fetched[0][0]
ok(box.store('1', '+FLAGS', '\\\\Deleted'))
ok(box.copy('1:2', 'Work'))
assert ok(box.expunge()) == [b'1']
assert ok(box.sort('(REVERSE SUBJECT)', 'UTF-8', 'ALL')) == [b'1']
assert ok(box.thread('REFERENCES', 'UTF-8', 'ALL')) == [b'(1)']
assert ok(box.uid('FETCH', '1:*', '(UID)')) == [b'1 (UID 2)']
assert ok(box.status('Work', '(MESSAGES UNSEEN)')) == [b'"Work" (MESSAGES 2 UNSEEN 2)']
names = [line for line in ok(box.list())]
assert names == [b'(\\\\HasNoChildren) "." INBOX', b'(\\\\HasNoChildren) "." "Work"'], names
assert ok(box.namespace()) == [b'(("" ".")) NIL NIL']
ok(box.close())
ok(box.delete('Work'))
assert box.logout()[0] == 'BYE'
`

test('imaplib of Python works with mailboxes and messages', { skip: !python && 'there is no python3' }, async () => {
  await using server = await imapServer()
  await promisify(execFile)('python3', ['-c', script, String(server.port)], { timeout: 30_000 })
})
