import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concatBody, memoryBody } from '../../../core/kit/message/body.ts'
import { describeBytes, describeContent, shiftStructure } from '../../../core/kit/message/content.ts'
import type { Structure } from '../../../core/kit/message/structure.ts'
import { lines } from './support.ts'

/** `type/subtype[its parts]`, with what stands between body start and end in quotes for those without parts. */
function outline(content: Buffer, part = describeBytes(content).structure): string {
  const [, body, end] = part.At ?? [0, 0, 0]
  const type = `${part.MIMEType}/${part.MIMESubType}`
  if (part.Parts) return `${type}[${part.Parts.map((inner) => outline(content, inner)).join(' ')}]`
  if (part.BodyStructure) return `${type}{${outline(content, part.BodyStructure)}}`
  return `${type}${JSON.stringify(content.toString('latin1', body, end))}`
}

const slice = (content: Buffer, from = 0, to = 0) => content.toString('latin1', from, to)

test('a message without Content-Type is text', () => {
  const content = lines('Subject: hi', '', 'one', 'two')
  const { header, bodyOffset, cachedHeader, structure } = describeBytes(content)
  assert.equal(header.get('subject'), 'hi')
  assert.equal(bodyOffset, 15)
  assert.deepEqual(cachedHeader, { Subject: ['hi'] })
  assert.deepEqual(structure, {
    MIMEType: 'text',
    MIMESubType: 'plain',
    Params: null,
    Id: '',
    Description: '',
    Encoding: '',
    Size: 8,
    Parts: null,
    Envelope: null,
    BodyStructure: null,
    Lines: 2,
    Extended: true,
    Disposition: '',
    DispositionParams: null,
    Language: null,
    Location: null,
    MD5: '',
    At: [0, 15, 23],
  } satisfies Structure)
})

test('what the MIME fields say is kept', () => {
  const content = lines(
    'Content-Type: Image/PNG',
    'Content-Id: <id@x>',
    'Content-Description: =?utf-8?Q?pic?=',
    'Content-Transfer-Encoding: BASE64',
    'Content-Disposition: Attachment; filename="a.png"',
    'Content-Language: en, de',
    'Content-Location: http://x/',
    'Content-MD5: Q2hlY2s=',
    '',
    'QUJD',
    '',
  )
  const { At: _, ...structure } = describeBytes(content).structure
  assert.deepEqual(structure, {
    MIMEType: 'image',
    MIMESubType: 'png',
    Params: {},
    Id: '<id@x>',
    Description: '=?utf-8?Q?pic?=',
    Encoding: 'BASE64',
    Size: 6,
    Parts: null,
    Envelope: null,
    BodyStructure: null,
    Lines: 0,
    Extended: true,
    Disposition: 'attachment',
    DispositionParams: { filename: 'a.png' },
    Language: ['en', 'de'],
    Location: ['http://x/'],
    MD5: 'Q2hlY2s=',
  })
})

test('lines are line ends, and one more when the last line has none', () => {
  const count = (body: string) => describeBytes(Buffer.from(`A: 1\r\n\r\n${body}`)).structure.Lines
  assert.deepEqual(['', 'x', 'x\r\n', 'x\r\ny', '\r\n', '\n\n'].map(count), [0, 1, 1, 2, 1, 2])
})

test('the parts of a multipart end before the line end that belongs to the delimiter', () => {
  const content = lines(
    'Content-Type: multipart/mixed; boundary="b"',
    '',
    'preamble',
    '--b',
    '',
    'one',
    'two',
    '--b  ',
    'Content-Type: text/html',
    '',
    '<p>',
    '',
    '--b--',
    'epilogue',
    '--b',
    '',
    'no part',
  )
  assert.equal(outline(content), 'multipart/mixed[text/plain"one\\r\\ntwo" text/html"<p>\\r\\n"]')
  const { structure } = describeBytes(content)
  assert.deepEqual([structure.Size, structure.Lines], [0, 0])
  assert.deepEqual(
    structure.Parts?.map(({ Size, Lines }) => [Size, Lines]),
    [
      [8, 2],
      [5, 1],
    ],
  )
  const [header, body] = structure.Parts?.[1]?.At ?? []
  assert.equal(slice(content, header, body), 'Content-Type: text/html\r\n\r\n')
})

test('multiparts nest, and a boundary may be the beginning of another one', () => {
  const content = lines(
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: multipart/alternative; boundary=b2',
    '',
    '--b2',
    '',
    'plain',
    '--b2',
    'Content-Type: text/html',
    '',
    'html --b',
    '--b2--',
    '--b',
    '',
    'last',
    '--b--',
    '',
  )
  const inner = 'multipart/alternative[text/plain"plain" text/html"html --b"]'
  assert.equal(outline(content), `multipart/mixed[${inner} text/plain"last"]`)
})

test('a delimiter of an outer multipart ends the inner ones that were not ended', () => {
  const content = lines(
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: multipart/alternative; boundary=c',
    '',
    '--c',
    '',
    'one',
    '--b',
    '',
    'two',
    '--b--',
  )
  assert.equal(outline(content), 'multipart/mixed[multipart/alternative[text/plain"one"] text/plain"two"]')
})

test('an inner multipart may have the boundary of an outer one', () => {
  const content = lines(
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    '',
    'one',
    '--b--',
    '--b',
    '',
    'two',
    '--b--',
  )
  assert.equal(outline(content), 'multipart/mixed[multipart/mixed[text/plain"one"] text/plain"two"]')
})

test('a multipart without its last delimiter ends with the message', () => {
  const content = lines('Content-Type: multipart/mixed; boundary=b', '', '--b', '', 'one', '--b', '', 'two', '')
  assert.equal(outline(content), 'multipart/mixed[text/plain"one" text/plain"two\\r\\n"]')
})

test('a message may have bare LF for line ends throughout', () => {
  const content = Buffer.from('Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nA: 1\n\ntwo\n\n--b--\n')
  assert.equal(outline(content), 'multipart/mixed[text/plain"one" text/plain"two\\n"]')
})

test('a part may be empty, have no header, or nothing but one', () => {
  const content = lines(
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    '--b',
    '',
    '--b',
    'Content-Type: text/html',
    '--b',
    'Content-Type: text/css',
    '',
    '--b--',
  )
  assert.equal(outline(content), 'multipart/mixed[text/plain"" text/plain"" text/html"" text/css""]')
})

test('an attached message is described inside its part', () => {
  const content = lines(
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: message/rfc822',
    '',
    'From: Ann <ann@x.example>',
    'Date: Tue, 3 Mar 2026 09:05:00 +0100',
    'Subject: =?utf-8?Q?in?=',
    'Content-Type: multipart/alternative; boundary=c',
    '',
    '--c',
    '',
    'one',
    '--c--',
    '--b--',
  )
  assert.equal(outline(content), 'multipart/mixed[message/rfc822{multipart/alternative[text/plain"one"]}]')
  const part = describeBytes(content).structure.Parts?.[0]
  const [, body, end] = part?.At ?? []
  assert.deepEqual(part?.BodyStructure?.At?.[0], body)
  assert.equal(part?.Size, (end ?? 0) - (body ?? 0))
  assert.equal(part?.Lines, 9)
  const ann = [{ PersonalName: 'Ann', AtDomainList: '', MailboxName: 'ann', HostName: 'x.example' }]
  assert.deepEqual(part?.Envelope, {
    Date: '2026-03-03T09:05:00+01:00',
    Subject: '=?utf-8?Q?in?=',
    From: ann,
    Sender: ann,
    ReplyTo: ann,
    To: null,
    Cc: null,
    Bcc: null,
    InReplyTo: '',
    MessageId: '',
  })
})

test('a message in a message in a message is described', () => {
  const nest = 'Content-Type: message/rfc822\r\n\r\n'
  const content = Buffer.from(`${nest}${nest}Subject: x\r\n\r\nhello`)
  assert.equal(outline(content), 'message/rfc822{message/rfc822{text/plain"hello"}}')
})

test('an attached message in base64 is opaque', () => {
  const content = lines('Content-Type: message/rfc822', 'Content-Transfer-Encoding: base64', '', 'U3ViamVjdDogeA==')
  assert.equal(outline(content), 'message/rfc822"U3ViamVjdDogeA=="')
  assert.equal(describeBytes(content).structure.Envelope, null)
})

test('the parts of a digest are messages where they do not say otherwise', () => {
  const content = lines(
    'Content-Type: multipart/digest; boundary=b',
    '',
    '--b',
    '',
    'Subject: x',
    '',
    'one',
    '--b',
    'Content-Type: text/plain',
    '',
    'two',
    '--b--',
  )
  assert.equal(outline(content), 'multipart/digest[message/rfc822{text/plain"one"} text/plain"two"]')
})

test('a multipart without a boundary is text', () => {
  for (const type of [
    'multipart/mixed',
    'multipart/mixed; boundary=""',
    `multipart/mixed; boundary=${'b'.repeat(300)}`,
  ]) {
    assert.equal(outline(lines(`Content-Type: ${type}`, '', '--b', '', 'x')), 'text/plain"--b\\r\\n\\r\\nx"')
  }
})

test('a multipart in which no part begins has its body for a part', () => {
  const content = lines('Content-Type: multipart/mixed; boundary=b', '', 'nothing', 'here')
  assert.equal(outline(content), 'multipart/mixed[text/plain"nothing\\r\\nhere"]')
  assert.equal(describeBytes(content).structure.Parts?.[0]?.Lines, 2)
})

test('a Content-Type that makes no sense is text', () => {
  assert.equal(outline(lines('Content-Type: text', '', 'x')), 'text/plain"x"')
  assert.equal(describeBytes(lines('Content-Type: text', '', 'x')).structure.Params, null)
})

test('NULs, eight-bit octets and lines that are no fields do no harm', () => {
  const content = lines(
    '\0\xff',
    'Content-Type: multipart/mixed; boundary=b',
    '\xe4',
    '',
    '--b',
    '\0',
    '',
    '\0\xff\xfe',
    '--b--',
  )
  assert.equal(outline(content), 'multipart/mixed[text/plain"\\u0000ÿþ"]')
})

test('an empty message is empty text', () => {
  assert.equal(outline(Buffer.alloc(0)), 'text/plain""')
})

test('a line of ten megabytes is passed over at once, also in a header and after two dashes', () => {
  const long = 'x'.repeat(10_000_000)
  const head = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n'
  const started = performance.now()
  const contents = [`${head}\r\n--${long}\r\n--b--`, `${head}A: ${long}\r\n\r\n1\r\n--b--`, `${head}--${long}\r\n--b--`]
  for (const content of contents) assert.equal(describeBytes(Buffer.from(content)).structure.Parts?.length, 1)
  assert.ok(performance.now() - started < 3000)
})

test('nesting has an end, and what is deeper is one opaque part', () => {
  const content = Buffer.from('Content-Type: message/rfc822\r\n\r\n'.repeat(5000))
  let depth = 0
  let part = describeBytes(content).structure
  for (; part.BodyStructure; part = part.BodyStructure) depth++
  assert.equal(depth, 100)
  assert.equal(`${part.MIMEType}/${part.MIMESubType}`, 'application/octet-stream')
  assert.equal(part.At?.[2], content.length)
})

test('there are ten thousand parts at most, and the last one has the rest', () => {
  const content = Buffer.from(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(20_000)}`)
  const parts = describeBytes(content).structure.Parts ?? []
  assert.equal(parts.length, 9_999)
  assert.equal(parts.at(-1)?.At?.[2], content.length)
})

test('a hostile message is described in good time', () => {
  const multiparts = Array.from({ length: 99 }, (_, index) => {
    return `Content-Type: multipart/mixed; boundary=${'b'.repeat(200)}${index}\r\n\r\n--${'b'.repeat(200)}${index}\r\n`
  })
  const contents = [
    `${multiparts.join('')}\r\n${'\n--'.repeat(1_000_000)}`,
    `${multiparts.join('')}\r\n${`\n--${'b'.repeat(200)}`.repeat(20_000)}`,
    `A: 1\n${' \n'.repeat(2_000_000)}`,
    ':\n'.repeat(1_000_000),
  ]
  for (const content of contents) {
    const started = performance.now()
    describeBytes(Buffer.from(content))
    assert.ok(performance.now() - started < 3000)
  }
})

test('a message in pieces is described as one in memory', async () => {
  const content = lines('Content-Type: multipart/mixed; boundary=b', '', '--b', '', 'one', '--b--')
  const joined = concatBody(content.subarray(0, 50), memoryBody(content.subarray(50)))
  assert.deepEqual((await describeContent(joined)).structure, describeBytes(content).structure)
})

test('a structure is shifted by the fields put on top of its message', () => {
  const content = lines(
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: message/rfc822',
    '',
    'Subject: x',
    '',
    'one',
    '--b--',
  )
  const trace = Buffer.from('Received: somewhere\r\n')
  const shifted = shiftStructure(describeBytes(content).structure, trace.length)
  assert.deepEqual(shifted, describeBytes(Buffer.concat([trace, content])).structure)
})
