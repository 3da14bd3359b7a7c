import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeBytes } from '../../../core/kit/message/content.ts'
import { partContent } from '../../../core/kit/message/section.ts'
import { lines } from './support.ts'

const content = lines(
  'Content-Type: multipart/mixed; boundary=b',
  '',
  '--b',
  '',
  'one',
  '--b',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner',
  'Content-Type: multipart/alternative; boundary=c',
  '',
  '--c',
  '',
  'two-one',
  '--c--',
  '--b',
  'Content-Type: message/rfc822',
  '',
  'Subject: single',
  '',
  'three-one',
  '--b--',
)

const { structure } = describeBytes(content)

/** The kind of a part and its body. */
function section(...path: readonly number[]): string | undefined {
  const found = partContent(structure, path)
  return found && `${found.kind} ${content.toString('latin1', found.At?.[1], found.At?.[2]).slice(0, 14)}`
}

test('no numbers name the message itself', () => {
  const whole = partContent(structure, [])
  assert.equal(whole?.kind, 'message')
  assert.equal(whole?.message, structure)
})

test('numbers name parts, those of an attached multipart through it', () => {
  assert.equal(section(1), 'leaf one')
  assert.equal(section(2), 'message Subject: inner')
  assert.equal(section(2, 1), 'leaf two-one')
})

test('an attached message that is no multipart is its own part 1', () => {
  assert.equal(section(3), 'message Subject: singl')
  assert.equal(section(3, 1), 'leaf three-one')
  assert.equal(section(3, 1, 1), undefined)
})

test('an attached message has a header and a text of its own', () => {
  const [header, body, end] = partContent(structure, [3])?.message?.At ?? []
  assert.equal(content.toString('latin1', header, body), 'Subject: single\r\n\r\n')
  assert.equal(content.toString('latin1', body, end), 'three-one')
})

test('the body of a message that is no multipart is its part 1', () => {
  const text = lines('Subject: x', '', 'body')
  assert.deepEqual(partContent(describeBytes(text).structure, [1])?.At, [0, 14, 18])
})

test('a part that there is not is undefined', () => {
  for (const path of [[9], [0], [1, 1], [2, 2], [2, 1, 1], [-1]]) assert.equal(section(...path), undefined)
})
