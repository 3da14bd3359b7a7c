import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Envelope } from '../../../core/index.ts'
import { receivedField } from '../../../core/mail/received.ts'

const envelope = (more: Partial<Envelope> = {}, origin: Partial<Envelope['origin']> = {}): Envelope => ({
  id: '0badcafe',
  reversePath: { local: 'a', domain: 'a.example' },
  originalReversePath: 'a@A.example',
  smtputf8: false,
  requireTls: false,
  ...more,
  origin: {
    protocol: 'ESMTP',
    helo: 'c.example',
    peer: { ip: '2001:db8::1', port: 1 },
    rdns: 'r.example',
    user: null,
    tls: null,
    ...origin,
  },
})

const field = (...parts: Parameters<typeof receivedField>) => receivedField(...parts).replaceAll('\r\n ', ' ')

test('all parts are there, and lines are short', () => {
  const written = receivedField(envelope(), 'mx.h.example')
  assert.match(
    written.replaceAll('\r\n ', ' '),
    /^Received: from c\.example \(r\.example \[2001:db8::1\]\) by mx\.h\.example \(envelope-sender <a@A\.example>\) with ESMTP id 0badcafe; .*\r\n$/,
  )
  for (const line of written.split('\r\n')) assert.ok(line.length <= 76)
})

test('a name that is not fit for a field is left out', () => {
  for (const helo of ['a\rb', 'a\x00', 'xn--a_b', '', 'a(', 'a)', 'a;b', '"a"', 'a\\', 'a'.repeat(256)]) {
    assert.match(field(envelope({}, { helo }), 'mx.h.example'), /^Received: \(r\.example/)
  }
})

test('a reverse name that is not fit for a field is left out', () => {
  for (const rdns of ['a b', 'x)\r\nEvil: y', null, '']) {
    assert.match(field(envelope({}, { rdns }), 'mx.h.example'), /from c\.example \(\[2001:db8::1\]\) by/)
  }
})

test('a sender that ASCII cannot hold is left out', () => {
  assert.doesNotMatch(field(envelope({ originalReversePath: 'é@a.example' }), 'mx.h.example'), /envelope-sender/)
  assert.match(
    field(envelope({ originalReversePath: 'é@xn--bcher-kva.example', smtputf8: true }), 'mx.h.example'),
    /\(envelope-sender <é@bücher\.example>\) with UTF8ESMTP/,
  )
})

test('the literal that a client greets with stays', () => {
  const written = field(envelope({}, { helo: '[IPv6:2001:db8::1]' }), 'mx.h.example')
  assert.match(written, /^Received: from \[IPv6:2001:db8::1\] \(r\.example/)
})

for (const [sender, written] of [
  ['a b@a.example', '<"a b"@a.example>'],
  ['x) by evil.example (y@a.example', '<"x\\) by evil.example \\(y"@a.example>'],
  ['a"\\@a.example', '<"a\\\\"\\\\\\\\"@a.example>'],
] as const) {
  test(`the sender ${sender} stays within its comment`, () => {
    const whole = field(envelope({ originalReversePath: sender }), 'mx.h.example')
    assert.ok(whole.includes(` by mx.h.example (envelope-sender ${written}) with ESMTP id`), whole)
  })
}

test('a sender that is too long for a line is left out', () => {
  const originalReversePath = `${'a'.repeat(900)}@a.example`
  assert.match(field(envelope({ originalReversePath }), 'mx.h.example'), /by mx\.h\.example with ESMTP/)
})

test('over a Unix socket there is no address', () => {
  assert.match(field(envelope({}, { peer: null }), 'mx.h.example'), /^Received: from c\.example by mx/)
})

test('of a user nothing is told', () => {
  assert.match(field(envelope(), 'mx.h.example', { hideClient: true }), /^Received: by mx\.h\.example /)
})
