import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Recorder, serve } from './recorder.ts'

/** Pseudo-random numbers from 0 to 1, the same in every run (mulberry32). */
const randoms = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

const lines = [
  'EHLO c',
  'HELO c',
  'LHLO c',
  'MAIL FROM:<a@h.example>',
  'MAIL FROM:<a@h.example> SIZE=99',
  'MAIL FROM:<"a@h.example>',
  'RCPT TO:<b@h.example>',
  'RCPT TO:<550@h.example>',
  'DATA',
  '.',
  'BDAT 5',
  'BDAT 0 LAST',
  'BDAT 3 LAST',
  'BDAT 99999999999999',
  'BDAT -1',
  'RSET',
  'NOOP',
  'AUTH PLAIN',
  'AUTH PLAIN =',
  'AUTH LOGIN',
  '*',
  'STARTTLS',
  'VRFY',
  '',
  '\0',
  '..',
  'A: b',
]

/** Lets through any number of mistakes, so that what comes after the fourth is tried as well. */
for (let seed = 1; seed <= 40; seed++) {
  test(`a client that says anything in any order gets replies, and the server goes on (${seed})`, async () => {
    const random = randoms(seed)
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
    const receiver = new Recorder()
    const mechanisms = ['PLAIN', 'LOGIN'] as const
    await using server = await serve({ mechanisms, insecureAuth: true, maxMessageSize: 5_000 }, { receiver })
    for (let connection = 0; connection < 3; connection++) {
      await using client = await server.dial()
      let text = random() < 0.7 ? 'EHLO c\r\n' : ''
      for (let i = 0; i < 60; i++) {
        const junk = Array.from({ length: Math.floor(random() * 20) }, () => String.fromCharCode(random() * 256)).join(
          '',
        )
        const line = random() < 0.85 ? pick(lines) : junk
        text += line + (random() < 0.9 ? '\r\n' : pick(['\n', '\r', '', '\r\n.\r\n']))
      }
      const bytes = Buffer.from(text, 'latin1')
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + Math.floor(random() * 400)
        await client.packet(bytes.subarray(at, at + size))
        at += size
      }
      client.end()
      const replies = await client.rest()
      assert.match(replies, /^220 [^\r\n]*\r\n(?:[2345]\d\d[ -][^\r\n]*\r\n)*$/)
    }
    await Promise.all(server.ended)
    assert.deepEqual(server.failures, [])
    await using client = await server.ready()
    await client.command('DATA', '354 *')
    await client.command('.', '250 *')
  })
}
