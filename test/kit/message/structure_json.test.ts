import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeBytes } from '../../../core/kit/message/content.ts'
import {
  cachedHeaderFromJson,
  cachedHeaderToJson,
  structureFromJson,
  structureToJson,
} from '../../../core/kit/message/structure_json.ts'
import { lines } from './support.ts'

test('a structure is written with the keys of maddy in their order, ours at the end', () => {
  const json = structureToJson(describeBytes(lines('Content-Type: text/plain; charset=utf-8', '', 'x')).structure)
  assert.equal(
    json,
    '{"MIMEType":"text","MIMESubType":"plain","Params":{"charset":"utf-8"},"Id":"","Description":"","Encoding":"",' +
      '"Size":1,"Parts":null,"Envelope":null,"BodyStructure":null,"Lines":1,"Extended":true,"Disposition":"",' +
      '"DispositionParams":null,"Language":null,"Location":null,"MD5":"","At":[0,43,44]}',
  )
})

test('angle brackets, ampersands and line separators are escaped as Go does', () => {
  const json = cachedHeaderToJson({ From: ['A & B <a@b>\u2028"'] })
  assert.equal(json, '{"From":["A \\u0026 B \\u003ca@b\\u003e\\u2028\\""]}')
  assert.deepEqual(cachedHeaderFromJson(json), { From: ['A & B <a@b>\u2028"'] })
})

test('half a surrogate pair becomes the replacement character', () => {
  assert.equal(cachedHeaderToJson({ To: ['\ud800x', '😀', '\\ud800'] }), '{"To":["\\ufffdx","😀","\\\\ud800"]}')
})

test('a structure comes back as it was', () => {
  const content = lines(
    'Content-Type: multipart/mixed; boundary="<b&>"',
    'Content-Language: de',
    '',
    '--<b&>',
    'Content-Type: message/rfc822',
    'Content-Disposition: attachment; filename="ü"',
    '',
    'From: Ann <ann@x.example>',
    'Date: Tue, 3 Mar 2026 09:05:00 +0100',
    '',
    'one',
    '--<b&>--',
  )
  const { structure } = describeBytes(content)
  assert.deepEqual(structureFromJson(structureToJson(structure)), structure)
  assert.deepEqual(structureFromJson(Buffer.from(structureToJson(structure))), structure)
})

test('a structure of maddy has no offsets, and is read all the same', () => {
  const structure = structureFromJson(
    '{"MIMEType":"multipart","MIMESubType":"mixed","Params":{"boundary":"b"},"Size":0,"Parts":[{"MIMEType":"text",' +
      '"MIMESubType":"plain","Params":null,"Size":3,"Lines":1,"Extended":true}],"Extended":true}',
  )
  assert.equal(structure.At, undefined)
  assert.deepEqual([structure.Parts?.length, structure.Parts?.[0]?.Lines, structure.Envelope], [1, 1, null])
})

test('unknown keys are passed over, and null or another type counts as empty', () => {
  const odd =
    '{"Future":1,"MIMEType":null,"Size":"x","Parts":[null],"Params":{"a":null},"Envelope":{"From":[null]},"At":[3,2,1]}'
  const structure = structureFromJson(odd)
  assert.deepEqual([structure.MIMEType, structure.Size, structure.At], ['text', 0, undefined])
  assert.equal(structure.Parts?.[0]?.MIMESubType, 'plain')
  assert.deepEqual(structure.Params, { a: '' })
  assert.equal(structure.Envelope?.From?.[0]?.HostName, '')
  for (const json of ['null', '[]', '1', '{}']) assert.equal(structureFromJson(json).MIMEType, 'text')
})

test('what is no JSON is an error', () => {
  assert.throws(() => structureFromJson('{'), SyntaxError)
  assert.throws(() => cachedHeaderFromJson(''), SyntaxError)
})

test('the fields to be cached are, top to bottom, under the names of maddy', () => {
  const content = lines(
    'MESSAGE-ID: <1@x>',
    'to: a@b',
    'X-Other: 1',
    'x-priority: 3',
    'TO: =?utf-8?Q?c?= <c@d>',
    '',
    '',
  )
  assert.deepEqual(describeBytes(content).cachedHeader, {
    'Message-Id': ['<1@x>'],
    To: ['a@b', '=?utf-8?Q?c?= <c@d>'],
    'X-Priority': ['3'],
  })
})

test('of a cached header nulls and unknown fields are left out', () => {
  assert.deepEqual(cachedHeaderFromJson('{"to":["a"],"From":null,"X":["y"],"Subject":[]}'), { To: ['a'] })
})
