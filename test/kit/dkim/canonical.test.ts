import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { BodyHash, type Canonicalization, canonicalField } from '../../../core/kit/dkim/index.ts'
import { sampleMessages } from './messages.ts'

const field = (text: string, canonicalization: Canonicalization): string =>
  canonicalField(Buffer.from(text, 'latin1'), canonicalization)

const bodyHash = (text: string | Uint8Array, canonicalization: Canonicalization): string => {
  const hash = new BodyHash(canonicalization)
  hash.update(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  return hash.digest()
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'latin1').digest('base64')

test('relaxed fields lose the case of their name and all white space that means nothing', () => {
  // RFC 6376 §3.4.5
  assert.equal(field('A: X\r\n', 'relaxed'), 'a:X\r\n')
  assert.equal(field('B : Y\t\r\n\tZ  \r\n', 'relaxed'), 'b:Y Z\r\n')
  assert.equal(field('Subject:\r\n\r\n', 'relaxed'), 'subject:\r\n')
  assert.equal(field('Subject: \t \r\n', 'relaxed'), 'subject:\r\n')
  assert.equal(field('Subject:  a: b \xff\r\n', 'relaxed'), 'subject:a: b \xff\r\n')
})

test('simple fields stay as they are', () => {
  assert.equal(field('B : Y\t\r\n\tZ  \r\n', 'simple'), 'B : Y\t\r\n\tZ  \r\n')
})

test('white space is spaces and tabs, and nothing else', () => {
  assert.equal(field('A: \x0bx\xa0\r\n', 'relaxed'), 'a:\x0bx\xa0\r\n')
  assert.equal(bodyHash(' \x0b\xa0\x0c \r\n', 'relaxed'), sha256(' \x0b\xa0\x0c\r\n'))
})

test('a bare LF counts as the line end that it becomes', () => {
  assert.equal(field('A: x\n y\n', 'simple'), 'A: x\r\n y\r\n')
  assert.equal(field('A: x\n y\n', 'relaxed'), 'a:x y\r\n')
  assert.equal(bodyHash('x \ny\n\n', 'relaxed'), sha256('x\r\ny\r\n'))
  assert.equal(bodyHash('x \ny\n\n', 'simple'), sha256('x \r\ny\r\n'))
})

test('a relaxed body loses white space at line ends, runs of it, and empty lines at its end', () => {
  assert.equal(bodyHash(' C \r\nD \t E\r\n\r\n\r\n', 'relaxed'), sha256(' C\r\nD E\r\n')) // RFC 6376 §3.4.5
  assert.equal(bodyHash('x\r\n \t\r\n\r\n', 'relaxed'), sha256('x\r\n'))
  assert.equal(bodyHash('x\r\n\t\r\n\r\ny', 'relaxed'), sha256('x\r\n\r\n\r\ny\r\n'))
  assert.equal(bodyHash('x \t', 'relaxed'), sha256('x\r\n'))
})

test('a simple body loses empty lines at its end only', () => {
  assert.equal(bodyHash(' C \r\nD \t E\r\n\r\n\r\n', 'simple'), sha256(' C \r\nD \t E\r\n')) // RFC 6376 §3.4.5
  assert.equal(bodyHash('x\r\n \r\n\r\n', 'simple'), sha256('x\r\n \r\n'))
  assert.equal(bodyHash('x', 'simple'), sha256('x\r\n'))
})

test('an empty body is one line end when simple, and nothing when relaxed', () => {
  for (const empty of ['', '\r\n', '\r\n\r\n']) {
    assert.equal(bodyHash(empty, 'simple'), 'frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=')
    assert.equal(bodyHash(empty, 'relaxed'), '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=')
  }
  assert.equal(bodyHash(' \r\n\t', 'relaxed'), '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=')
})

test('a bare CR is a character like others', () => {
  assert.equal(bodyHash('\ra\r\rb \r c\r \r\n\r', 'relaxed'), sha256('\ra\r\rb \r c\r\r\n\r\r\n'))
  assert.equal(bodyHash('\ra\r\rb \r c\r \r\n\r', 'simple'), sha256('\ra\r\rb \r c\r \r\n\r\r\n'))
})

test('the body of the example of RFC 8463 has the hash that stands there', () => {
  const body = 'Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n'
  assert.equal(bodyHash(body, 'relaxed'), '2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=')
})

test('it does not matter how a body is cut into chunks', () => {
  for (const { body } of sampleMessages(100, 4)) {
    for (const canonicalization of ['relaxed', 'simple'] as const) {
      const expected = bodyHash(body, canonicalization)
      for (const size of [1, 2, 3, 7, 100]) {
        const hash = new BodyHash(canonicalization)
        for (let at = 0; at < body.length; at += size) hash.update(body.subarray(at, at + size))
        assert.equal(hash.digest(), expected, JSON.stringify(body.toString('latin1')))
      }
    }
  }
})

test('a large body hashes to what it would in one piece', () => {
  const line = `${'A line of a large body '.repeat(4)}\r\n`
  assert.equal(bodyHash(`${line.repeat(3000)}\r\n\r\n`, 'simple'), sha256(line.repeat(3000)))
  assert.equal(bodyHash(line.repeat(3000), 'relaxed'), sha256(line.replace(' \r', '\r').repeat(3000)))
  assert.equal(bodyHash(`x${'\r\n'.repeat(50_000)}y`, 'relaxed'), sha256(`x${'\r\n'.repeat(50_000)}y\r\n`))
})
