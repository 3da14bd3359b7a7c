import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect } from 'node:tls'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { ImapClient } from '../bench/load/imap_client.ts'
import { folder as newFolder, tsmaddy } from '../support/process.ts'
import { run, unless } from './programs.ts'
import { RunningServer } from './running_server.ts'

const password = 'correct horse'

/** One server for all tests of this file, each of which has an account of its own. */
let folder: Awaited<ReturnType<typeof newFolder>>
let server: RunningServer
let ports: { smtp: number; submissions: number; submission: number; imaps: number; imap: number }

before(async () => {
  folder = await newFolder()
  const shipped = await readFile(new URL('../../conf/dev.conf', import.meta.url), 'utf8')
  const conf = shipped.replaceAll(/(?<=127\.0\.0\.1:)\d+/g, '0').replaceAll(/^(?:state|runtime)_dir .*$/gm, '')
  server = await RunningServer.start(folder.path, conf)
  const [smtp = 0, submissions = 0, submission = 0, imaps = 0, imap = 0] = await server.ports()
  ports = { smtp, submissions, submission, imaps, imap }
})

after(async () => {
  await server?.[Symbol.asyncDispose]()
  await folder?.[Symbol.asyncDispose]()
})

/** Makes an account by the command line while the server runs; `folders` are those that every user is used to. */
const account = async (name: string, { folders = false } = {}): Promise<string> => {
  const user = `${name}@example.test`
  const made = await tsmaddy(['-config', server.config, 'creds', 'create', '--bcrypt-cost', '4', '-p', password, user])
  assert.equal(made.status, 0, made.stderr)
  if (folders) {
    const mailboxes = await tsmaddy(['-config', server.config, 'imap-acct', 'create', user])
    assert.equal(mailboxes.status, 0, mailboxes.stderr)
  }
  using client = await ImapClient.open(ports.imaps, { tls: true })
  await client.ok(`LOGIN ${user} "${password}"`)
  return user
}

const transport = (secure: boolean, user: string) =>
  createTransport({
    host: '127.0.0.1',
    port: secure ? ports.submissions : ports.submission,
    secure,
    requireTLS: !secure,
    auth: { user, pass: password },
    tls: { rejectUnauthorized: false },
  })

/** A client that has logged in, over TLS from the start. */
const connected = async (user: string): Promise<{ readonly client: ImapFlow } & AsyncDisposable> => {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: ports.imaps,
    secure: true,
    auth: { user, pass: password },
    tls: { rejectUnauthorized: false },
    logger: false,
  })
  await client.connect()
  return { client, [Symbol.asyncDispose]: () => client.logout() }
}

/** A part of the last message, decoded. */
const downloaded = async (client: ImapFlow, part: string): Promise<Buffer> => {
  const { content } = await client.download('*', part)
  return Buffer.concat(content ? await Array.fromAsync(content) : [])
}

const sendTo = async (user: string, ...subjects: string[]): Promise<void> => {
  const sender = transport(true, user)
  for (const subject of subjects) await sender.sendMail({ from: user, to: user, subject, text: `About ${subject}` })
  sender.close()
}

for (const { title, secure } of [
  { title: 'STARTTLS', secure: false },
  { title: 'implicit TLS', secure: true },
]) {
  test(`nodemailer logs in over ${title} and sends a message with an attachment, which arrives`, async () => {
    const user = await account(secure ? 'implicit' : 'starttls')
    const sender = transport(secure, user)
    const attachment = Buffer.alloc(200_000, 'Grüße\n')
    const { accepted } = await sender.sendMail({
      from: { name: 'Jürgen', address: user },
      to: user,
      subject: 'Grüße aus Köln',
      text: '.a dot at the start\n',
      attachments: [{ filename: 'a.bin', content: attachment }],
    })
    sender.close()
    assert.deepEqual(accepted, [user])
    await using imap = await connected(user)
    await imap.client.mailboxOpen('INBOX')
    const message = await imap.client.fetchOne('*', { envelope: true, bodyStructure: true })
    assert.ok(message)
    assert.equal(message.envelope?.subject, 'Grüße aus Köln')
    assert.equal(message.envelope?.from?.[0]?.name, 'Jürgen')
    assert.equal(message.bodyStructure?.type, 'multipart/mixed')
    assert.equal((await downloaded(imap.client, '1')).toString().trim(), '.a dot at the start')
    assert.deepEqual(await downloaded(imap.client, '2'), attachment)
  })
}

test('nodemailer is refused with a wrong password', async () => {
  const user = await account('refused')
  const sender = createTransport({
    host: '127.0.0.1',
    port: ports.submissions,
    secure: true,
    auth: { user, pass: 'wrong' },
    tls: { rejectUnauthorized: false },
  })
  await assert.rejects(sender.sendMail({ from: user, to: user, text: '' }), { responseCode: 535 })
})

test('mail from outside arrives without a login, and mail for others is refused', async () => {
  const user = await account('outside')
  const sender = createTransport({ host: '127.0.0.1', port: ports.smtp, tls: { rejectUnauthorized: false } })
  await sender.sendMail({ from: 'stranger@example.org', to: user, subject: 'from outside', text: 'hello' })
  const relayed = sender.sendMail({ from: 'stranger@example.org', to: 'other@example.org', text: 'relay' })
  await assert.rejects(relayed, { responseCode: 550 })
  sender.close()
  await using imap = await connected(user)
  const status = await imap.client.status('INBOX', { messages: true })
  assert.ok(status)
  assert.equal(status.messages, 1)
})

test('imapflow lists, makes, renames and deletes mailboxes', async () => {
  await using imap = await connected(await account('mailboxes', { folders: true }))
  const { client } = imap
  await client.mailboxCreate(['Work', 'Größe'])
  await client.mailboxRename(['Work', 'Größe'], ['Work', 'Projects'])
  const list = await client.list()
  const names = list.map(({ path }) => path)
  assert.ok(names.includes('INBOX'))
  assert.ok(names.includes('Work.Projects'))
  assert.ok(list.some(({ specialUse }) => specialUse === '\\Sent'))
  await client.mailboxDelete(['Work', 'Projects'])
  assert.ok(!(await client.list()).some(({ path }) => path === 'Work.Projects'))
})

test('imapflow fetches, flags, searches, moves, copies and deletes messages', async () => {
  const user = await account('messages')
  await sendTo(user, 'first', 'second', 'third')
  await using imap = await connected(user)
  const { client } = imap
  await client.mailboxCreate('Kept')
  await client.mailboxOpen('INBOX')
  const all = await client.fetchAll('1:*', { envelope: true, flags: true, source: true })
  assert.deepEqual(
    all.map(({ envelope }) => envelope?.subject),
    ['first', 'second', 'third'],
  )
  assert.match(all[0]?.source?.toString() ?? '', /About first/)
  await client.messageFlagsAdd('1', ['\\Seen', '$Label'])
  assert.deepEqual(await client.search({ seen: true }), [1])
  assert.deepEqual(await client.search({ subject: 'second' }), [2])
  assert.deepEqual(await client.search({ body: 'about THIRD' }), [3])
  await client.messageMove('1', 'Kept')
  await client.messageCopy('1', 'Kept')
  await client.messageDelete('2')
  const left = await client.fetchAll('1:*', { envelope: true })
  assert.deepEqual(
    left.map(({ envelope }) => envelope?.subject),
    ['second'],
  )
  await client.mailboxOpen('Kept')
  const kept = await client.fetchAll('1:*', { envelope: true, flags: true })
  assert.deepEqual(
    kept.map(({ envelope }) => envelope?.subject),
    ['first', 'second'],
  )
  assert.ok(kept[0]?.flags?.has('$Label'))
})

test('STORE tells the flags of every message, also of those it does not change', async () => {
  const user = await account('unchanged')
  await sendTo(user, 'first', 'second')
  using client = await ImapClient.login(ports.imaps, { user, password, mailbox: 'INBOX', tls: true })
  await client.ok('STORE 1 +FLAGS.SILENT (\\Seen)')
  const lines = (await client.ok('STORE 1:2 +FLAGS (\\Seen)')).map(({ text }) => text)
  const told = lines.filter((line) => /^\* \d FETCH \(FLAGS \(.*\\Seen.*\)/.test(line))
  assert.equal(told.length, 2, lines.join('\n'))
})

test('imapflow appends a draft, and reads it back byte for byte', async () => {
  await using imap = await connected(await account('drafts', { folders: true }))
  const { client } = imap
  const draft = `Subject: draft\r\n\r\n${'8-bit: ö\r\n'.repeat(2000)}`
  const appended = await client.append('Drafts', draft, ['\\Draft'], new Date('2020-02-03T04:05:06Z'))
  assert.ok(appended)
  await client.mailboxOpen('Drafts')
  const message = await client.fetchOne('1', { source: true, flags: true, internalDate: true, uid: true })
  assert.ok(message)
  assert.equal(message.source?.toString(), draft)
  assert.equal(new Date(message.internalDate ?? 0).toISOString(), '2020-02-03T04:05:06.000Z')
  assert.equal(message.uid, appended.uid)
})

test('a client in IDLE is told of a new message at once', async () => {
  const user = await account('idle')
  await using imap = await connected(user)
  const { client } = imap
  await client.mailboxOpen('INBOX')
  const told = once(client, 'exists', { signal: AbortSignal.timeout(10_000) })
  const idle = client.idle()
  await sendTo(user, 'news')
  const [{ count }] = await told
  assert.equal(count, 1)
  const message = await client.fetchOne('*', { envelope: true })
  await idle
  assert.ok(message)
  assert.equal(message.envelope?.subject, 'news')
})

test('a client in IDLE is told at once of what another process does to its mailbox', async () => {
  const user = await account('command-line')
  using client = await ImapClient.login(ports.imaps, { user, password, mailbox: 'INBOX', tls: true })
  await client.idle()
  const heard = async (line: RegExp) => {
    while (!line.test((await client.line()).text));
  }
  const messages = ['-config', server.config, 'imap-msgs']
  const added = await tsmaddy([...messages, 'add', user, 'INBOX'], { input: 'Subject: x\r\n\r\nbody\r\n' })
  assert.equal(added.status, 0, added.stderr)
  await heard(/^\* 1 EXISTS$/)
  const removed = await tsmaddy([...messages, 'remove', '--yes', '--uid', user, 'INBOX', '1'])
  assert.equal(removed.status, 0, removed.stderr)
  await heard(/^\* 1 EXPUNGE$/)
})

const pythonScript = `
import imaplib, smtplib, ssl, sys
from email.message import EmailMessage
submission, imaps, imap, user, password = sys.argv[1:]
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE

with smtplib.SMTP('127.0.0.1', int(submission)) as smtp:
    smtp.starttls(context=context)
    smtp.login(user, password)
    for number in range(3):
        message = EmailMessage()
        message['From'] = message['To'] = user
        message['Subject'] = 'Nummer %d ü' % number
        message.set_content('.dots\\n..and more\\nü\\n')
        smtp.send_message(message)

with imaplib.IMAP4_SSL('127.0.0.1', int(imaps), ssl_context=context) as client:
    client.login(user, password)
    assert client.select() == ('OK', [b'3'])
    assert client.search(None, 'FROM', '"%s"' % user) == ('OK', [b'1 2 3'])
    _, ((_, text), _) = client.fetch('2', '(RFC822)')
    assert b'..dots' not in text and b'.dots' in text, text
    assert client.store('1:2', '+FLAGS', '(\\\\Deleted)')[0] == 'OK'
    assert client.copy('3', 'Archive')[0] == 'OK'
    assert client.expunge() == ('OK', [b'1', b'1']) or client.expunge()[0] == 'OK'
    assert client.uid('SEARCH', 'ALL') == ('OK', [b'3'])
    assert client.append('INBOX', '\\\\Seen', imaplib.Time2Internaldate(0), b'Subject: x\\r\\n\\r\\nbody\\r\\n')[0] == 'OK'
    assert client.status('INBOX', '(MESSAGES UNSEEN)') == ('OK', [b'"INBOX" (MESSAGES 2 UNSEEN 1)']) or \\
        client.status('INBOX', '(MESSAGES UNSEEN)') == ('OK', [b'INBOX (MESSAGES 2 UNSEEN 1)'])

with imaplib.IMAP4('127.0.0.1', int(imap)) as client:
    client.starttls(context)
    client.authenticate('PLAIN', lambda _: ('\\0%s\\0%s' % (user, password)).encode())
    client.select('Archive', readonly=True)
    assert client.thread('REFERENCES', 'UTF-8', 'ALL')[0] == 'OK'
    assert client.sort('REVERSE DATE', 'UTF-8', 'ALL') == ('OK', [b'1'])
print('done')
`

test(
  "Python's smtplib and imaplib send, search, fetch, store, copy, expunge and append",
  unless('python3'),
  async () => {
    const user = await account('python', { folders: true })
    const { submission, imaps, imap } = ports
    const args = ['-', String(submission), String(imaps), String(imap), user, password]
    assert.equal((await run('python3', args, pythonScript)).trim(), 'done')
  },
)

test('curl sends a message over smtps, and reads it over imaps', unless('curl'), async () => {
  const user = await account('curl')
  const message = `From: ${user}\r\nTo: ${user}\r\nSubject: by curl\r\n\r\nhello\r\n.\r\n..\r\n`
  await writeFile(join(folder.path, 'message'), message)
  const common = ['-sS', '-k', '--user', `${user}:${password}`]
  const smtp = `smtps://127.0.0.1:${ports.submissions}/client.example`
  await run('curl', [...common, '--mail-from', user, '--mail-rcpt', user, '-T', join(folder.path, 'message'), smtp])
  const imap = `imaps://127.0.0.1:${ports.imaps}`
  assert.match(await run('curl', [...common, `${imap}/INBOX`, '-X', 'UID SEARCH ALL']), /^\* SEARCH 1\r?$/m)
  const stored = await run('curl', [...common, `${imap}/INBOX;UID=1`])
  assert.ok(stored.endsWith('\r\n\r\nhello\r\n.\r\n..\r\n'), stored)
})

test('curl upgrades to TLS on both protocols, and appends', unless('curl'), async () => {
  const user = await account('curl-tls')
  const message = `From: ${user}\r\nTo: ${user}\r\nSubject: appended\r\n\r\nhello\r\n`
  await writeFile(join(folder.path, 'appended'), message)
  const common = ['-sS', '-k', '--ssl-reqd', '--user', `${user}:${password}`]
  const imap = `imap://127.0.0.1:${ports.imap}`
  await run('curl', [...common, '-T', join(folder.path, 'appended'), `${imap}/INBOX`])
  assert.equal(await run('curl', [...common, `${imap}/INBOX;MAILINDEX=1`]), message)
  const smtp = `smtp://127.0.0.1:${ports.submission}/client.example`
  await run('curl', [...common, '--mail-from', user, '--mail-rcpt', user, '-T', join(folder.path, 'appended'), smtp])
  assert.match(await run('curl', [...common, `${imap}/INBOX`, '-X', 'SEARCH ALL']), /^\* SEARCH 1 2\r?$/m)
})

test('swaks logs in over STARTTLS and sends', unless('swaks'), async () => {
  const user = await account('swaks')
  const login = ['--auth', 'PLAIN', '--auth-user', user, '--auth-password', password]
  await run('swaks', ['--server', `127.0.0.1:${ports.submission}`, '-tls', ...login, '--from', user, '--to', user])
  await using imap = await connected(user)
  const status = await imap.client.status('INBOX', { messages: true })
  assert.ok(status)
  assert.equal(status.messages, 1)
})

/** What mbsync has to be told; the certificate is the one the server shows. */
const mbsyncConf = (user: string, certificate: string, maildir: string): string => `IMAPAccount server
Host 127.0.0.1
Port ${ports.imaps}
User ${user}
Pass "${password}"
SSLType IMAPS
CertificateFile ${certificate}

IMAPStore far
Account server

MaildirStore near
Path ${maildir}/
Inbox ${maildir}/INBOX
SubFolders Verbatim
Flatten .

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
`

/** The messages of a maildir folder: their flags as letters, then what follows `id: ` in each, in order. */
const inMaildir = async (folder: string): Promise<string[]> => {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const messages = files
    .filter(({ name }) => !name.startsWith('.'))
    .map(async ({ parentPath, name }) => {
      const [, id = ''] = /^id: (.*)$/m.exec(await readFile(join(parentPath, name), 'utf8')) ?? []
      return `${id} ${/:2,(.*)$/.exec(name)?.[1] ?? ''}`.trim()
    })
  return (await Promise.all(messages)).sort()
}

const message = (id: number) => `Subject: number ${id}\r\n\r\nid: ${id}\r\n${'text\r\n'.repeat(id * 100)}`

test('mbsync keeps a maildir and the mailboxes alike, whichever side changes', unless('mbsync'), async () => {
  const user = await account('mbsync', { folders: true })
  const [certificate, conf, maildir] = ['cert.pem', 'mbsyncrc', 'maildir'].map((name) => join(folder.path, name))
  assert.ok(certificate && conf && maildir)
  await mkdir(maildir)
  await writeFile(certificate, await certificateOf(ports.imaps))
  await writeFile(conf, mbsyncConf(user, certificate, maildir))
  const sync = () => run('mbsync', ['-q', '-c', conf, 'all'])
  await using imap = await connected(user)
  const { client } = imap
  const far = async (mailbox: string) => {
    await client.mailboxOpen(mailbox)
    const all = await client.fetchAll('1:*', { flags: true, envelope: true })
    return all.map(({ envelope, flags = new Set() }) => {
      const letters = [flags.has('\\Flagged') && 'F', flags.has('\\Answered') && 'R', flags.has('\\Seen') && 'S']
      return `${envelope?.subject?.replace('number ', '')} ${letters.filter(Boolean).join('')}`.trim()
    })
  }
  const alike = async (mailbox: string, messages: readonly string[]) => {
    assert.deepEqual((await far(mailbox)).sort(), messages, `${mailbox} on the server`)
    assert.deepEqual(await inMaildir(join(maildir, mailbox)), messages, `${mailbox} in the maildir`)
  }

  for (const id of [1, 2, 3, 4]) await client.append('INBOX', message(id), id === 1 ? ['\\Seen'] : [])
  await sync()
  await alike('INBOX', ['1 S', '2', '3', '4'])

  await client.mailboxOpen('INBOX')
  await client.messageFlagsAdd('2', ['\\Flagged'])
  await client.messageMove('3', 'Archive')
  await mkdir(join(maildir, 'New', 'cur'), { recursive: true })
  for (const part of ['new', 'tmp']) await mkdir(join(maildir, 'New', part))
  await writeFile(join(maildir, 'New', 'cur', '5.near:2,RS'), message(5).replaceAll('\r\n', '\n'))
  const inbox = await readdir(join(maildir, 'INBOX', 'new'))
  for (const name of inbox) {
    const file = join(maildir, 'INBOX', 'new', name)
    if (/^id: 4$/m.test(await readFile(file, 'utf8'))) await rm(file)
  }
  await sync()
  await alike('INBOX', ['1 S', '2 F'])
  await alike('Archive', ['3'])
  await alike('New', ['5 RS'])

  await client.mailboxDelete('New')
  await sync()
  await alike('INBOX', ['1 S', '2 F'])
})

/** The certificate that a port shows to whoever connects, as PEM. */
const certificateOf = async (port: number): Promise<string> => {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const pem = socket.getPeerX509Certificate()?.toString() ?? ''
  socket.destroy()
  return pem
}
