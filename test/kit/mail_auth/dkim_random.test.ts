import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zone } from '../../../core/kit/dns/memory.ts'
import { verifyArc } from '../../../core/kit/mail_auth/arc.ts'
import { loadDkim, verifyDkim } from '../../../core/kit/mail_auth/dkim.ts'
import { readKey } from '../../../core/kit/mail_auth/dkim_key.ts'
import { HeaderError, lenientHeader } from '../../../core/kit/message/index.ts'
import type { Message } from '../../../core/kit/message/message.ts'
import { sealed } from './arc_support.ts'
import { messageOf, plainMessage, rsaRecord, signed } from './dkim_support.ts'

/** Numbers below `limit`, the same in every run (mulberry32). */
const numbers = (seed: number) => {
  let state = seed
  return (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

const pieces = ['=', ';', ':', ' ', '\r\n ', '"', '(', '\\', 'b=', 'i=51;', '\0', 'é', '\u00a0', '=;=', 'h=from', 'A']

/** The text with some characters taken out and others put in. */
const mangled = (text: string, below: (limit: number) => number, length = text.length): string => {
  let result = text
  for (let n = below(4) + 1; n > 0; n--) {
    const at = below(length)
    result = result.slice(0, at) + (pieces[below(pieces.length)] ?? '') + result.slice(at + below(4))
  }
  return result
}

const parsed = (text: string): Message => {
  try {
    return messageOf(text)
  } catch (error) {
    if (!(error instanceof HeaderError)) throw error
    return { ...messageOf('X: y\r\n\r\n'), header: lenientHeader(Buffer.from(text)) }
  }
}

const key = { TXT: [rsaRecord] }
const dns = zone({ 'sel._domainkey.example.org': key, 'arc._domainkey.list.example': key })

test('signatures that were mangled have verdicts', async () => {
  const below = numbers(1)
  const engine = await loadDkim()
  const text = signed(signed(plainMessage))
  const seen = new Set<string>()
  for (let n = 0; n < 1500; n++) {
    const message = parsed(mangled(text, below, text.indexOf('From: Ann')))
    const results = await verifyDkim(message, dns, { signal: AbortSignal.timeout(10_000), engine })
    for (const { value } of results) seen.add(value)
  }
  assert.deepEqual([...seen].toSorted(), ['fail', 'pass', 'permerror'])
})

test('chains that were mangled have verdicts', async () => {
  const below = numbers(2)
  const engine = await loadDkim()
  const text = await sealed(await sealed(plainMessage))
  const seen = new Set<string>()
  for (let n = 0; n < 1500; n++) {
    const message = parsed(mangled(text, below, text.indexOf('From: Ann')))
    const { result } = await verifyArc(message, dns, { signal: AbortSignal.timeout(10_000), engine })
    seen.add(result.value)
  }
  assert.deepEqual([...seen].toSorted(), ['fail', 'pass'])
})

test('key records that were mangled are keys or KeyErrors', () => {
  const below = numbers(3)
  let keys = 0
  for (let n = 0; n < 2000; n++) {
    try {
      readKey(mangled(rsaRecord, below))
      keys++
    } catch (error) {
      assert.equal(error instanceof Error && error.name, 'KeyError', String(error))
    }
  }
  assert.ok(keys < 2000)
})
