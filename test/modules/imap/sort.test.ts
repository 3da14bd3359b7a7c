import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baseSubject } from '../../../modules/imap/sort/subject.ts'
import { imapServer } from '../../support/imap_server.ts'

interface Sample {
  readonly id?: string
  readonly subject?: string
  readonly from?: string
  readonly to?: string
  /** Day of March 2026. */
  readonly day?: number
  readonly references?: string
  readonly replyTo?: string
}

const written = ({ id, subject, from, to, day, references, replyTo }: Sample) =>
  [
    id && `Message-ID: <${id}>`,
    subject !== undefined && `Subject: ${subject}`,
    from && `From: ${from}`,
    to && `To: ${to}`,
    day && `Date: ${day} Mar 2026 10:00:00 +0000`,
    references && `References: ${references.replace(/\w+/g, '<$&>')}`,
    replyTo && `In-Reply-To: <${replyTo}>`,
    '\r\nbody\r\n',
  ]
    .filter(Boolean)
    .join('\r\n')

const opened = async (...samples: Sample[]) => {
  const server = await imapServer()
  const client = await server.logIn()
  // UIDs differ from sequence numbers by one.
  await client.append('INBOX', written({}), '(\\Deleted) ')
  for (const sample of samples) await client.append('INBOX', written(sample))
  await client.ok('SELECT INBOX')
  await client.ok('EXPUNGE')
  return {
    client,
    async answers(command: string, answer: string) {
      assert.deepEqual(await client.ok(command), [answer], command)
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

test('messages are sorted by each key, and the other way round', async () => {
  await using at = await opened(
    { subject: 'Re: beta', from: 'Zoe <b@x.example>', to: 'q@x.example', day: 3 },
    { subject: '=?utf-8?Q?Alpha?=', from: '"adam" <C@x.example>', to: 'p@x.example', day: 1 },
    { subject: 'gamma', from: 'a@x.example', to: 'r@x.example', day: 2 },
  )
  await at.answers('SORT (SUBJECT) UTF-8 ALL', '* SORT 2 1 3')
  await at.answers('SORT (REVERSE SUBJECT) UTF-8 ALL', '* SORT 3 1 2')
  await at.answers('SORT (DATE) US-ASCII ALL', '* SORT 2 3 1')
  await at.answers('SORT (FROM) UTF-8 ALL', '* SORT 3 1 2')
  await at.answers('SORT (DISPLAYFROM) UTF-8 ALL', '* SORT 3 2 1')
  await at.answers('SORT (TO) UTF-8 ALL', '* SORT 2 1 3')
  await at.answers('SORT (CC ARRIVAL) UTF-8 ALL', '* SORT 1 2 3')
  await at.answers('UID SORT (REVERSE DATE) UTF-8 ALL', '* SORT 2 4 3')
  await at.answers('SORT (DATE) UTF-8 SUBJECT gamma', '* SORT 3')
})

test('equal messages keep their order, in reverse too', async () => {
  await using at = await opened({ subject: 'a', day: 1 }, { subject: 'b', day: 1 }, { subject: 'c', day: 1 })
  await at.answers('SORT (REVERSE DATE) UTF-8 ALL', '* SORT 1 2 3')
})

test('nothing found is an empty answer', async () => {
  await using at = await opened()
  await at.answers('SORT (DATE) UTF-8 ALL', '* SORT')
  await at.answers('UID SORT (DATE) UTF-8 SEEN', '* SORT')
  await at.answers('THREAD ORDEREDSUBJECT UTF-8 ALL', '* THREAD')
  await at.answers('UID THREAD REFERENCES UTF-8 ALL', '* THREAD')
})

test('what SORT and THREAD do not know is BAD', async () => {
  await using at = await opened()
  for (const command of [
    'SORT () UTF-8 ALL',
    'SORT (WHATEVER) UTF-8 ALL',
    'SORT (REVERSE) UTF-8 ALL',
    'SORT (DATE) ALL',
    'THREAD WHATEVER UTF-8 ALL',
    'THREAD REFERENCES UTF-8',
  ]) {
    await at.client.check(command, 'BAD …')
  }
  await at.client.check('SORT (DATE) X-UNKNOWN ALL', 'NO [BADCHARSET …')
})

test('ORDEREDSUBJECT gathers by base subject, by sequence number or UID as asked', async () => {
  await using at = await opened(
    { subject: 'one', day: 2 },
    { subject: 'Re: one', day: 3 },
    { subject: 'two', day: 1 },
    { subject: 'Fwd: [list] one (fwd)', day: 4 },
  )
  await at.answers('THREAD ORDEREDSUBJECT UTF-8 ALL', '* THREAD (3)(1 (2)(4))')
  await at.answers('UID THREAD ORDEREDSUBJECT UTF-8 ALL', '* THREAD (4)(2 (3)(5))')
})

test('REFERENCES follows references and answers, around messages that are not there', async () => {
  await using at = await opened(
    { id: 'a', subject: 'start', day: 1 },
    { id: 'b', subject: 'Re: start', day: 2, references: 'a' },
    { id: 'c', subject: 'Re: start', day: 3, replyTo: 'b' },
    { id: 'd', subject: 'Re: start', day: 4, references: 'a' },
    { id: 'x', subject: 'other', day: 5, references: 'missing gone' },
    { id: 'y', subject: 'another', day: 6, references: 'missing' },
  )
  await at.answers('THREAD REFERENCES UTF-8 ALL', '* THREAD (1 (2 3)(4))((5)(6))')
})

test('REFERENCES joins threads of one subject, an answer below what it may answer', async () => {
  await using at = await opened(
    { id: 'a', subject: 'same', day: 1 },
    { id: 'b', subject: 'Re: same', day: 2 },
    { id: 'c', subject: 'equal', day: 3 },
    { id: 'd', subject: 'equal', day: 4 },
  )
  await at.answers('THREAD REFERENCES UTF-8 ALL', '* THREAD (1 2)((3)(4))')
})

test('REFERENCES copes with circles and with identifiers used twice', async () => {
  await using at = await opened(
    { id: 'a', subject: 'p', day: 1, references: 'b' },
    { id: 'b', subject: 'q', day: 2, references: 'a' },
    { id: 'a', subject: 'r', day: 3 },
    { id: 's', subject: 's', day: 4, references: 's' },
  )
  const [line = ''] = await at.client.ok('THREAD REFERENCES UTF-8 ALL')
  assert.deepEqual((line.match(/\d+/g) ?? []).toSorted(), ['1', '2', '3', '4'])
})

test('a base subject is what is left without the marks of answers and forwards', () => {
  for (const [subject, base] of [
    ['Re: hello', 'hello'],
    ['RE: Fwd: [list] hello (fwd)', 'hello'],
    ['Re[2]: hello', 'hello'],
    ['[fwd: hello]', 'hello'],
    ['[only a blob]', '[only a blob]'],
    ['  two   words ', 'two words'],
    ['=?utf-8?Q?Re=3A_gr=C3=BCn?=', 'grün'],
    ['', ''],
    ['regarding: x', 'regarding: x'],
  ] as const) {
    assert.equal(baseSubject(subject).base, base, subject)
  }
})

test('a long subject made to be slow is read at once', () => {
  const started = performance.now()
  for (const evil of ['[x] '.repeat(100_000), 're '.repeat(100_000), '[['.repeat(100_000), ' \t'.repeat(100_000)]) {
    baseSubject(evil)
  }
  assert.ok(performance.now() - started < 1_000)
})
