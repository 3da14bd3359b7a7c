import assert from 'node:assert/strict'
import { test } from 'node:test'
import { envelopeOf, envelopeOfStored, storedEnvelope } from '../../../core/kit/message/envelope.ts'

const ann = { name: 'Ann', route: null, mailbox: 'ann', host: 'x.example' }

test('an envelope has texts and addresses as they are written', () => {
  const envelope = envelopeOf({
    Date: ['Tuesday-ish'],
    Subject: ['=?utf-8?Q?x?=', 'second'],
    From: ['Ann <ann@x.example>'],
    To: ['a@b', 'c@d'],
    'Message-Id': ['<1@x>'],
    'In-Reply-To': ['<0@x>'],
  })
  assert.deepEqual(
    [envelope.date, envelope.subject, envelope.messageId, envelope.inReplyTo],
    ['Tuesday-ish', '=?utf-8?Q?x?=', '<1@x>', '<0@x>'],
  )
  assert.deepEqual(envelope.from, [ann])
  assert.deepEqual(
    envelope.to?.map(({ mailbox }) => mailbox),
    ['a', 'c'],
  )
})

test('Sender and Reply-To are From where they are missing or empty', () => {
  const envelope = envelopeOf({ From: ['Ann <ann@x.example>'], Sender: [''], 'Reply-To': ['b@y'] })
  assert.deepEqual(envelope.sender, [ann])
  assert.equal(envelope.replyTo?.[0]?.mailbox, 'b')
})

test('what is missing is NIL', () => {
  for (const value of Object.values(envelopeOf({}))) assert.equal(value, null)
})

test('a stored envelope has the time in RFC 3339, or the year 1', () => {
  const date = (text: string) => storedEnvelope({ Date: [text] }).Date
  assert.equal(date('Tue, 3 Mar 2026 08:05:00 +0000'), '2026-03-03T08:05:00Z')
  assert.equal(date('3 Mar 26 08:05 -0930 (x)'), '2026-03-03T08:05:00-09:30')
  assert.equal(date('1 Jan 0001 00:00 +0100'), '0001-01-01T00:00:00+01:00')
  for (const text of ['', 'yesterday', '1 Jan 0000 00:00 Z']) assert.equal(date(text), '0001-01-01T00:00:00Z')
})

test('a stored envelope comes back as it was, groups and empty parts too', () => {
  const header = {
    Date: ['Tue, 03 Mar 2026 09:05:00 +0100'],
    From: ['Ann <ann@x.example>'],
    To: ['user, g: A <a@b>, c@d;, undisclosed-recipients:;, e@f'],
    Cc: ['just, names'],
    Subject: ['x'],
  }
  assert.deepEqual(envelopeOfStored(storedEnvelope(header)), envelopeOf(header))
})

test('an unknown stored date is NIL', () => {
  const envelope = storedEnvelope({})
  assert.equal(envelopeOfStored(envelope).date, null)
  assert.equal(envelopeOfStored({ ...envelope, Date: 'nonsense' }).date, null)
})
