import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '../../../core/mail/storage.ts'
import { imapServer } from '../../support/imap_server.ts'
import { MemoryStorage } from '../../support/memory_storage.ts'

const crlf = (text: string) => text.replaceAll('\n', '\r\n')

const first = crlf(`From: Alice <alice@example.org>
To: bob@example.net
Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=
Date: Mon, 2 Mar 2026 23:30:00 -0800
X-Note: Hidden Value

Plain body with a WORD.
`)

const second = crlf(`From: Carol <carol@example.org>
Cc: bob@example.net
Subject: Report
Date: no date at all
Content-Type: multipart/mixed; boundary=B

--B
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: base64

${Buffer.from('verstecktes Wort: Müll', 'latin1').toString('base64')}
--B
Content-Type: text/html

<p>bold <b>state</b>ment</p>
--B--
`)

const third = crlf(`From: dave@example.org
Subject: small

tiny
`)

/** Three messages: arrived on 1, 2 and 3 March; the second is \\Seen and \\Flagged, the third $Label. */
const opened = async () => {
  const server = await imapServer()
  const client = await server.logIn()
  await client.append('INBOX', first, '" 1-Mar-2026 12:00:00 +0000" ')
  await client.append('INBOX', second, '(\\Seen \\Flagged) " 2-Mar-2026 00:00:00 +0000" ')
  await client.append('INBOX', third, '($Label) " 3-Mar-2026 23:59:59 +0000" ')
  await client.ok('SELECT INBOX')
  const finds = async (keys: string, ...numbers: number[]) => {
    const lines = await client.command(`SEARCH ${keys}`)
    assert.deepEqual(lines, [['* SEARCH', ...numbers].join(' '), 'OK SEARCH completed'], keys)
  }
  return {
    server,
    client,
    finds,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

test('flags are found, and their absence', async () => {
  await using at = await opened()
  await at.finds('SEEN', 2)
  await at.finds('UNSEEN', 1, 3)
  await at.finds('UNSEEN UNFLAGGED', 1, 3)
  await at.finds('FLAGGED UNDELETED', 2)
  await at.finds('KEYWORD $LABEL', 3)
  await at.finds('UNKEYWORD $label', 1, 2)
  await at.finds('NOT SEEN', 1, 3)
  await at.finds('NOT (SEEN FLAGGED)', 1, 3)
  await at.finds('ANSWERED')
})

test('flags of other mailboxes do not count', async () => {
  await using at = await opened()
  await at.client.ok('CREATE other')
  await at.client.append('other', third, '(\\Seen) ')
  await at.finds('UNSEEN', 1, 3)
})

test('RECENT, NEW and OLD are this session’s', async () => {
  await using at = await opened()
  await at.finds('RECENT', 1, 2, 3)
  await at.finds('NEW', 1, 3)
  await at.finds('OLD')
  await at.finds('OR OLD FLAGGED', 2)
  await at.client.ok('SELECT INBOX')
  await at.finds('OLD', 1, 2, 3)
  await at.finds('RECENT')
})

test('days of arrival are whole days', async () => {
  await using at = await opened()
  await at.finds('ON 2-Mar-2026', 2)
  await at.finds('SINCE 2-Mar-2026', 2, 3)
  await at.finds('BEFORE 2-Mar-2026', 1)
  await at.finds('ON 3-Mar-2026', 3)
  await at.finds('SINCE 2-Mar-2026 BEFORE 3-Mar-2026', 2)
})

test('days of sending are those of the message’s own zone; without a date it is never found', async () => {
  await using at = await opened()
  await at.finds('SENTON 2-Mar-2026', 1)
  await at.finds('SENTON 3-Mar-2026')
  await at.finds('SENTBEFORE 1-Jan-2027', 1)
  await at.finds('SENTSINCE 2-Mar-2026', 1)
  await at.finds('NOT SENTSINCE 1-Jan-2000', 2, 3)
})

test('sizes are those that FETCH tells', async () => {
  await using at = await opened()
  await at.finds(`LARGER ${third.length - 1} SMALLER ${third.length + 1}`, 3)
  await at.finds(`LARGER ${second.length}`)
})

test('header fields are searched decoded and in any case', async () => {
  await using at = await opened()
  await at.finds('FROM ALICE', 1)
  await at.finds('TO bob', 1)
  await at.finds('CC bob', 2)
  await at.finds('SUBJECT "report"', 2)
  await at.finds(`SUBJECT "${Buffer.from('GRÜSSE').toString('latin1')}"`, 1)
  await at.finds(`SUBJECT {${Buffer.byteLength('köln')}+}\r\n${Buffer.from('köln').toString('latin1')}`, 1)
  await at.finds('HEADER X-Note "hidden v"', 1)
  await at.finds('HEADER X-Note ""', 1)
  await at.finds('HEADER Subject ""', 1, 2, 3)
})

test('texts are searched decoded and in any case', async () => {
  await using at = await opened()
  await at.finds('BODY word', 1)
  await at.finds('BODY "verstecktes wort"', 2)
  await at.finds(`BODY "${Buffer.from('MÜLL').toString('latin1')}"`, 2)
  await at.finds('BODY "bold statement"', 2)
  await at.finds('BODY alice')
  await at.finds('TEXT "x-note: HIDDEN"', 1)
  await at.finds('TEXT word', 1)
})

test('OR, NOT and parentheses combine', async () => {
  await using at = await opened()
  await at.finds('OR FROM alice FROM dave', 1, 3)
  await at.finds('OR (FROM alice SEEN) (FROM dave UNSEEN)', 3)
  await at.finds('NOT OR FROM alice BODY tiny', 2)
  await at.finds('(UNSEEN (FROM dave))', 3)
  await at.finds('NOT NOT SEEN', 2)
})

test('one of sixty words may be sought', async () => {
  await using at = await opened()
  await at.finds(`${'OR SUBJECT nothing '.repeat(59)}SUBJECT small`, 3)
})

test('sets of sequence numbers and UIDs are keys; of several, all count', async () => {
  await using at = await opened()
  await at.finds('2:* UNSEEN', 3)
  await at.finds('UID 1:2 UID 2:3', 2)
  await at.finds('1:2 2:3', 2)
  await at.finds('7:9')
  await at.finds('NOT 1', 2, 3)
  await at.client.ok('STORE 1 +FLAGS.SILENT \\Deleted')
  await at.client.ok('EXPUNGE')
  await at.finds('1', 1)
  await at.client.check('UID SEARCH 1', '* SEARCH 2', 'OK …')
})

test('a charset may be named; one that is not known is refused with those that are', async () => {
  await using at = await opened()
  await at.finds('CHARSET iso-8859-1 BODY "m\xfcll"', 2)
  await at.finds('CHARSET UTF-8 ALL', 1, 2, 3)
  await at.finds('CHARSET US-ASCII FROM alice', 1)
  await at.client.check('SEARCH CHARSET X-UNKNOWN ALL', 'NO [BADCHARSET (US-ASCII UTF-8)] …')
  await at.client.check('SEARCH FROM "\xff"', 'BAD …')
})

test('RETURN answers in one line what was asked for', async () => {
  await using at = await opened()
  await at.client.check('SEARCH RETURN () ALL', '* ESEARCH (TAG "t6") ALL 1:3', 'OK …')
  await at.client.check(
    'UID SEARCH RETURN (MIN MAX COUNT) UNSEEN',
    '* ESEARCH (TAG "t7") UID MIN 1 MAX 3 COUNT 2',
    'OK …',
  )
  await at.client.check('SEARCH RETURN (COUNT) ANSWERED', '* ESEARCH (TAG "t8") COUNT 0', 'OK …')
  await at.client.check('SEARCH RETURN (ALL MIN) ANSWERED', '* ESEARCH (TAG "t9")', 'OK …')
  await at.client.check('SEARCH RETURN (WHATEVER) ALL', 'BAD …')
})

test('what SEARCH does not know is BAD', async () => {
  await using at = await opened()
  for (const keys of [
    '',
    'WHATEVER',
    'FROM',
    'OR SEEN',
    'NOT',
    '(SEEN',
    'SEEN)',
    'ON 2026-03-02',
    'LARGER x',
    'UID x',
    '()',
  ]) {
    await at.client.check(`SEARCH ${keys}`, 'BAD …')
  }
  await at.client.check(`SEARCH ${'NOT '.repeat(5000)}ALL`, 'BAD …')
})

test('a message whose content cannot be read matches no text, and spoils no search', async () => {
  class Broken extends MemoryStorage {
    override async open(name: string) {
      const account = await super.open(name)
      const select = account.select.bind(account)
      account.select = async (...args) => {
        const mailbox = await select(...args)
        mailbox.content = () => Promise.reject(new StorageError('corrupt', 'blob missing'))
        return mailbox
      }
      return account
    }
  }
  await using server = await imapServer({ storage: new Broken() })
  await using client = await server.logIn()
  await client.append('INBOX', first)
  await client.ok('SELECT INBOX')
  await client.check('SEARCH BODY word', '* SEARCH', 'OK …')
  await client.check('SEARCH FROM alice', '* SEARCH 1', 'OK …')
})

test('a search finds what has arrived since the last command', async () => {
  await using at = await opened()
  await using other = await at.server.logIn()
  await other.append('INBOX', third)
  await at.client.check('SEARCH 1:* FROM dave', '* 4 EXISTS', '* 4 RECENT', '* SEARCH 3 4', 'OK …')
})
