import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '../../../core/mail/storage.ts'
import { imapServer } from '../../support/imap_server.ts'
import type { ImapWire } from '../../support/imap_wire.ts'
import { MemoryStorage } from '../../support/memory_storage.ts'

const crlf = (text: string) => text.replaceAll('\n', '\r\n')

const nested = crlf(`From: "Outer, One" <one@example.org>
To: undisclosed-recipients:;
Cc: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>, Friends: a@x.example, b@x.example;
Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=
Date: Mon, 2 Mar 2026 10:00:00 +0100
Message-ID: <outer@example.org>
X-Custom: first
X-Custom: second
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=B

preamble
--B
Content-Type: text/plain; charset=utf-8
Content-Language: de

Hallo
--B
Content-Type: message/rfc822
Content-Disposition: attachment; filename=inner.eml

From: inner@example.org
Subject: inner
Content-Type: multipart/alternative; boundary=C

--C
Content-Type: text/plain

inner plain
--C
Content-Type: text/html

<p>inner</p>
--C--
--B--
epilogue
`)

/** A session with these messages in its INBOX. */
const opened = async (...messages: string[]) => {
  const server = await imapServer()
  const client = await server.logIn()
  for (const message of messages) await client.append('INBOX', message)
  await client.ok('SELECT INBOX')
  return {
    server,
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** The octets of the one section that is fetched; undefined for NIL. */
const section = async (client: ImapWire, name: string): Promise<string | undefined> => {
  const [line = ''] = await client.ok(`FETCH 1 BODY.PEEK${name}`)
  const start = `* 1 FETCH (BODY${name} `
  assert.ok(line.startsWith(start), line)
  const value = line.slice(start.length, -1)
  return value === 'NIL' ? undefined : value.replace(/^\{\d+\}\r\n/, '')
}

test('items are answered in the order asked for', async () => {
  await using at = await opened('Subject: x\r\n\r\nbody\r\n')
  await at.client.check('FETCH 1 (UID RFC822.SIZE FLAGS)', '* 1 FETCH (UID 1 RFC822.SIZE 20 FLAGS (\\Recent))', 'OK …')
  await at.client.check('FETCH 1 (FLAGS UID)', '* 1 FETCH (FLAGS (\\Recent) UID 1)', 'OK …')
})

test('macros stand for their items', async () => {
  await using at = await opened('Subject: x\r\n\r\nbody\r\n')
  await at.client.check('FETCH 1 FAST', '* 1 FETCH (FLAGS … INTERNALDATE … RFC822.SIZE 20)', 'OK …')
  await at.client.check('FETCH 1 ALL', '* 1 FETCH (FLAGS … INTERNALDATE … RFC822.SIZE 20 ENVELOPE (…))', 'OK …')
  await at.client.check(
    'FETCH 1 FULL',
    '* 1 FETCH (… ENVELOPE (…) BODY ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 6 1))',
    'OK …',
  )
})

test('UID FETCH adds the UID, and finds nothing where there is nothing', async () => {
  await using at = await opened('a: b\r\n\r\n', 'a: b\r\n\r\n')
  await at.client.check('UID FETCH 2 FLAGS', '* 2 FETCH (FLAGS (\\Recent) UID 2)', 'OK …')
  await at.client.check('UID FETCH 2 (UID FLAGS)', '* 2 FETCH (UID 2 FLAGS (\\Recent))', 'OK …')
  await at.client.check('UID FETCH 77 FLAGS', 'OK …')
  await at.client.check('UID FETCH 4000000000:* UID', '* 2 FETCH (UID 2)', 'OK …')
})

test('a sequence number that no message has is BAD', async () => {
  await using at = await opened('a: b\r\n\r\n')
  await at.client.check('FETCH 2 FLAGS', 'BAD …')
  await at.client.check('FETCH 1:2 FLAGS', 'BAD …')
  await at.client.check('FETCH 1:* UID', '* 1 FETCH (UID 1)', 'OK …')
})

test('all messages of an empty mailbox are none', async () => {
  await using at = await opened()
  await at.client.check('FETCH 1:* FLAGS', 'OK …')
  await at.client.check('UID FETCH 1:* FLAGS', 'OK …')
})

test('BODY[] sets \\Seen for good, tells so, and other sessions hear of it', async () => {
  await using at = await opened('Subject: x\r\n\r\nbody\r\n')
  await using other = await at.server.logIn()
  await other.ok('SELECT INBOX')
  await at.client.check('FETCH 1 BODY[TEXT]', '* 1 FETCH (BODY[TEXT] {6}\r\nbody\r\n FLAGS (\\Seen \\Recent))', 'OK …')
  await at.client.check('FETCH 1 BODY[TEXT]', '* 1 FETCH (BODY[TEXT] {6}\r\nbody\r\n)', 'OK …')
  await other.check('NOOP', '* 1 FETCH (FLAGS (\\Seen) UID 1)', 'OK …')
  await at.client.check('STATUS INBOX (UNSEEN)', '* STATUS INBOX (UNSEEN 0)', 'OK …')
})

test('PEEK, EXAMINE and RFC822.HEADER leave \\Seen alone, RFC822 and RFC822.TEXT do not', async () => {
  await using at = await opened('Subject: x\r\n\r\nbody\r\n')
  await at.client.ok('FETCH 1 (BODY.PEEK[] RFC822.HEADER BODY BODYSTRUCTURE)')
  await at.client.check('FETCH 1 FLAGS', '* 1 FETCH (FLAGS (\\Recent))', 'OK …')
  await at.client.ok('EXAMINE INBOX')
  await at.client.ok('FETCH 1 BODY[]')
  await at.client.check('FETCH 1 FLAGS', '* 1 FETCH (FLAGS ())', 'OK …')
  await at.client.ok('SELECT INBOX')
  await at.client.check('FETCH 1 RFC822.TEXT', '* 1 FETCH (RFC822.TEXT {6}\r\nbody\r\n FLAGS (\\Seen))', 'OK …')
  await at.client.check('FETCH 1 RFC822.HEADER', '* 1 FETCH (RFC822.HEADER {14}\r\nSubject: x\r\n\r\n)', 'OK …')
  await at.client.check('FETCH 1 RFC822', '* 1 FETCH (RFC822 {20}\r\nSubject: x\r\n\r\nbody\r\n)', 'OK …')
})

test('the whole message and its parts are the octets that were stored', async () => {
  await using at = await opened(nested)
  const head = nested.slice(0, nested.indexOf('preamble'))
  const inner = nested.slice(nested.indexOf('From: inner'), nested.indexOf('\r\n--B--'))
  assert.equal(await section(at.client, '[]'), nested)
  assert.equal(await section(at.client, '[HEADER]'), head)
  assert.equal(await section(at.client, '[TEXT]'), nested.slice(head.length))
  assert.equal(await section(at.client, '[1]'), 'Hallo')
  assert.equal(
    await section(at.client, '[1.MIME]'),
    'Content-Type: text/plain; charset=utf-8\r\nContent-Language: de\r\n\r\n',
  )
  assert.equal(await section(at.client, '[2]'), inner)
  assert.equal(await section(at.client, '[2.HEADER]'), inner.slice(0, inner.indexOf('--C')))
  assert.equal(await section(at.client, '[2.TEXT]'), inner.slice(inner.indexOf('--C')))
  assert.equal(await section(at.client, '[2.1]'), 'inner plain')
  assert.equal(await section(at.client, '[2.2]'), '<p>inner</p>')
  assert.equal(await section(at.client, '[2.2.MIME]'), 'Content-Type: text/html\r\n\r\n')
  assert.equal(await section(at.client, '[2.HEADER.FIELDS (SUBJECT)]'), 'Subject: inner\r\n\r\n')
})

test('a part that is not there is NIL', async () => {
  await using at = await opened(nested)
  for (const name of ['[9]', '[1.1]', '[1.HEADER]', '[1.TEXT]', '[2.3]', '[2.1.1.MIME]']) {
    assert.equal(await section(at.client, name), undefined, name)
  }
})

test('part 1 of a message without parts is its body', async () => {
  await using at = await opened('Subject: x\r\n\r\nbody\r\n')
  assert.equal(await section(at.client, '[1]'), 'body\r\n')
  assert.equal(await section(at.client, '[2]'), undefined)
})

test('header fields are picked by name in any case, or left out by name', async () => {
  await using at = await opened(nested)
  assert.equal(await section(at.client, '[HEADER.FIELDS (x-custom)]'), 'X-Custom: first\r\nX-Custom: second\r\n\r\n')
  assert.equal(await section(at.client, '[HEADER.FIELDS (X-None)]'), '\r\n')
  const rest = await section(at.client, '[HEADER.FIELDS.NOT (X-Custom FROM To Cc Subject Date Message-ID)]')
  assert.equal(rest, 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n')
})

test('fields that are kept beside the message are answered without it', async () => {
  class Bodiless extends MemoryStorage {
    override async open(name: string) {
      const account = await super.open(name)
      const select = account.select.bind(account)
      account.select = async (...args) => {
        const mailbox = await select(...args)
        mailbox.content = () => Promise.reject(new Error('the message was opened'))
        return mailbox
      }
      return account
    }
  }
  await using server = await imapServer({ storage: new Bodiless() })
  await using client = await server.logIn()
  await client.append('INBOX', nested)
  await client.ok('SELECT INBOX')
  await client.check(
    'FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT "message-id")] ENVELOPE BODYSTRUCTURE)',
    '* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT message-id)] {…}\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nMessage-Id: <outer@example.org>\r\n\r\n ENVELOPE (…) BODYSTRUCTURE (…))',
    'OK …',
  )
})

test('a partial answer names its origin, and is cut at the end', async () => {
  await using at = await opened('Subject: x\r\n\r\nbody\r\n')
  await at.client.check('FETCH 1 BODY.PEEK[]<0.10>', '* 1 FETCH (BODY[]<0> {10}\r\nSubject: x)', 'OK …')
  await at.client.check('FETCH 1 BODY.PEEK[TEXT]<2.100>', '* 1 FETCH (BODY[TEXT]<2> {4}\r\ndy\r\n)', 'OK …')
  await at.client.check('FETCH 1 BODY.PEEK[TEXT]<200.100>', '* 1 FETCH (BODY[TEXT]<200> {0}\r\n)', 'OK …')
  await at.client.check('FETCH 1 BODY.PEEK[TEXT]<0.0>', 'BAD …')
})

test('ENVELOPE keeps encoded words and groups', async () => {
  await using at = await opened(nested)
  const [line = ''] = await at.client.ok('FETCH 1 ENVELOPE')
  assert.equal(
    line,
    '* 1 FETCH (ENVELOPE ("Mon, 2 Mar 2026 10:00:00 +0100" "=?utf-8?Q?Gr=C3=BC=C3=9Fe?=" ' +
      '(("Outer, One" NIL "one" "example.org")) (("Outer, One" NIL "one" "example.org")) ' +
      '(("Outer, One" NIL "one" "example.org")) ((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL)) ' +
      '(("=?utf-8?Q?J=C3=BCrgen?=" NIL "j" "example.org")(NIL NIL "Friends" NIL)(NIL NIL "a" "x.example")' +
      '(NIL NIL "b" "x.example")(NIL NIL NIL NIL)) NIL NIL "<outer@example.org>"))',
  )
})

test('BODYSTRUCTURE tells of parts within attached messages, of language and disposition', async () => {
  await using at = await opened(nested)
  const [line = ''] = await at.client.ok('FETCH 1 BODYSTRUCTURE')
  assert.equal(
    line,
    '* 1 FETCH (BODYSTRUCTURE (("TEXT" "PLAIN" ("charset" "utf-8") NIL NIL "7BIT" 5 1 NIL NIL "de" NIL)' +
      '("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 189 (NIL "inner" ((NIL NIL "inner" "example.org")) ' +
      '((NIL NIL "inner" "example.org")) ((NIL NIL "inner" "example.org")) NIL NIL NIL NIL NIL) ' +
      '(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 11 1 NIL NIL NIL NIL)("TEXT" "HTML" NIL NIL NIL "7BIT" 12 1 NIL NIL NIL NIL) ' +
      '"ALTERNATIVE" ("boundary" "C") NIL NIL NIL) 13 NIL ("attachment" ("filename" "inner.eml")) NIL NIL) ' +
      '"MIXED" ("boundary" "B") NIL NIL NIL))',
  )
})

test('parts are found in messages whose structure was stored without offsets', async () => {
  class Plain extends MemoryStorage {
    override async open(name: string) {
      const account = await super.open(name)
      const select = account.select.bind(account)
      account.select = async (...args) => {
        const mailbox = await select(...args)
        const messages = mailbox.messages.bind(mailbox)
        mailbox.messages = async function* (...wanted) {
          for await (const { structure, ...message } of messages(...wanted)) {
            const { At: _, ...bare } = structure ?? {}
            yield { ...message, ...(structure && { structure: { ...structure, ...bare, At: undefined as never } }) }
          }
        }
        return mailbox
      }
      return account
    }
  }
  await using server = await imapServer({ storage: new Plain() })
  await using client = await server.logIn()
  await client.append('INBOX', nested)
  await client.ok('SELECT INBOX')
  assert.equal(await section(client, '[2.1]'), 'inner plain')
})

test('what FETCH does not know is BAD', async () => {
  await using at = await opened('a: b\r\n\r\n')
  for (const command of [
    'FETCH',
    'FETCH 1',
    'FETCH 0 FLAGS',
    'FETCH 1 ()',
    'FETCH 1 WHATEVER',
    'FETCH 1 (FLAGS WHATEVER)',
    'FETCH 1 (ALL)',
    'FETCH 1 BODY[WHATEVER]',
    'FETCH 1 BODY[MIME]',
    'FETCH 1 BODY[0]',
    'FETCH 1 BODY[HEADER.FIELDS]',
    'FETCH 1 BODY[HEADER.FIELDS ()]',
    'FETCH 1 BODY[',
    'FETCH 1 BODY.PEEK',
    'FETCH 1 FLAGS FLAGS',
  ]) {
    await at.client.check(command, 'BAD …')
  }
})

test('file names beyond ASCII are written with ASCII alone in BODYSTRUCTURE', async () => {
  await using at = await opened(
    'Content-Type: application/pdf; name="=?utf-8?Q?=E2=82=AC?="\r\nContent-Disposition: attachment; filename*=utf-8\'\'%E2%82%AC.pdf\r\n\r\n',
  )
  await at.client.check(
    'FETCH 1 BODYSTRUCTURE',
    '* 1 FETCH (BODYSTRUCTURE ("APPLICATION" "PDF" ("name" "=?utf-8?Q?=E2=82=AC?=") NIL NIL "7BIT" 0 NIL ' +
      '("attachment" ("filename*" "utf-8\'\'%e2%82%ac.pdf")) NIL NIL))',
    'OK …',
  )
})

test('header fields come with the octets they were sent with, also those that are kept apart', async () => {
  await using at = await opened()
  await at.client.append('INBOX', 'From: J\xfcrgen <j@example.org>\r\nSubject: x\r\n\r\nbody\r\n')
  await at.client.ok('NOOP')
  const [line = ''] = await at.client.ok('FETCH 1 (BODY.PEEK[HEADER.FIELDS (From Subject)])')
  assert.ok(line.includes('From: J\xfcrgen <j@example.org>\r\nSubject: x\r\n\r\n)'), line)
})

test('a long field that is kept apart comes in lines that are not too long', async () => {
  const ids = Array.from({ length: 100 }, (_, number) => `<${number}@references.example.org>`)
  await using at = await opened(`References: ${ids.join('\r\n ')}\r\n\r\n`)
  const text = (await section(at.client, '[HEADER.FIELDS (References)]')) ?? ''
  assert.equal(text.replaceAll('\r\n ', ' '), `References: ${ids.join(' ')}\r\n\r\n`)
  assert.ok(text.split('\r\n').every((line) => line.length < 998))
})

test('a message removed by another session is left out, and the OK tells so', async () => {
  await using at = await opened('a: b\r\n\r\n', 'a: b\r\n\r\n')
  await using other = await at.server.logIn()
  await other.ok('SELECT INBOX')
  await other.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await other.ok('EXPUNGE')
  await at.client.check('FETCH 1:2 UID', '* 2 FETCH (UID 2)', 'OK [EXPUNGEISSUED] …')
  await at.client.check('FETCH 1 UID', 'OK [EXPUNGEISSUED] …')
  await at.client.check('NOOP', '* 1 EXPUNGE', 'OK …')
})

test('UID FETCH passes over a message removed by another session, and succeeds', async () => {
  await using at = await opened('a: b\r\n\r\n', 'a: b\r\n\r\n')
  await using other = await at.server.logIn()
  await other.ok('SELECT INBOX')
  await other.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await other.ok('EXPUNGE')
  await at.client.check('UID FETCH 1:* FLAGS', '* 2 FETCH (FLAGS (…) UID 2)', '* 1 EXPUNGE', 'OK [EXPUNGEISSUED] …')
})

test('a message that cannot be read spoils no other', async () => {
  class Broken extends MemoryStorage {
    override async open(name: string) {
      const account = await super.open(name)
      const select = account.select.bind(account)
      account.select = async (...args) => {
        const mailbox = await select(...args)
        const content = mailbox.content.bind(mailbox)
        mailbox.content = (uid) =>
          uid === 1 ? Promise.reject(new StorageError('corrupt', 'blob missing', { cause: 'key' })) : content(uid)
        return mailbox
      }
      return account
    }
  }
  await using server = await imapServer({ storage: new Broken() })
  await using client = await server.logIn()
  await client.append('INBOX', 'a: b\r\n\r\n')
  await client.append('INBOX', 'c: d\r\n\r\n')
  await client.ok('SELECT INBOX')
  await client.check('FETCH 1:2 BODY.PEEK[]', '* 2 FETCH (BODY[] {8}\r\nc: d\r\n\r\n)', 'NO [CORRUPTION] …')
  assert.ok(server.lines.some(({ event, fields }) => event === 'message cannot be read' && fields.uid === 1))
})

test('many messages are marked as seen together, and each answer has its flags', async () => {
  await using at = await opened(...Array.from({ length: 80 }, (_, number) => `n: ${number}\r\n\r\n`))
  const lines = await at.client.ok('FETCH 1:* BODY[]')
  assert.equal(lines.length, 80)
  for (const [number, line] of lines.entries()) {
    assert.match(
      line,
      new RegExp(`^\\* ${number + 1} FETCH \\(BODY\\[\\] [^]*n: ${number}\r[^]* FLAGS \\(\\\\Seen \\\\Recent\\)\\)$`),
    )
  }
})
