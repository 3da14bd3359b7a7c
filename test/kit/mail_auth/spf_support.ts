import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Zone, zone } from '../../../core/kit/dns/memory.ts'
import { evaluateSpf, type SpfIdentity, type SpfOutcome, type SpfValue } from '../../../core/kit/mail_auth/index.ts'

/** The zone file of RFC 7208 appendix A, with a record for example.com in place of those that the appendix goes through. */
export const appendixA: Zone = {
  'example.com': {
    A: ['192.0.2.10', '192.0.2.11'],
    MX: ['10 mail-a.example.com', '20 mail-b.example.com'],
  },
  'amy.example.com': { A: ['192.0.2.65'] },
  'bob.example.com': { A: ['192.0.2.66'] },
  'mail-a.example.com': { A: ['192.0.2.129'] },
  'mail-b.example.com': { A: ['192.0.2.130'] },
  'www.example.com': { CNAME: 'example.com' },
  'example.org': { MX: ['10 mail-c.example.org'] },
  'mail-c.example.org': { A: ['192.0.2.140'] },
  '192.0.2.10': { PTR: ['example.com'] },
  '192.0.2.11': { PTR: ['example.com'] },
  '192.0.2.65': { PTR: ['amy.example.com'] },
  '192.0.2.66': { PTR: ['bob.example.com'] },
  '192.0.2.129': { PTR: ['mail-a.example.com'] },
  '192.0.2.130': { PTR: ['mail-b.example.com'] },
  '192.0.2.140': { PTR: ['mail-c.example.org'] },
  // A rogue reverse zone, which claims to be example.com.
  '10.0.0.4': { PTR: ['bob.example.com'] },
}

/** A zone with more about the names it has already. */
export const withRecords = (base: Zone, more: Zone): Zone => {
  const merged: Record<string, Zone[string]> = { ...base }
  for (const [name, records] of Object.entries(more)) merged[name] = { ...merged[name], ...records }
  return merged
}

export const evaluate = (records: Zone, identity: Partial<SpfIdentity> = {}): Promise<SpfOutcome> =>
  evaluateSpf(
    { ip: '192.0.2.1', helo: 'client.example.net', sender: 'user@example.com', ...identity },
    zone(records),
    AbortSignal.timeout(10_000),
  )

export interface Case {
  /** The behaviour, as a sentence. */
  readonly title: string
  /** The record of example.com. */
  readonly record?: string
  /** Further DNS. */
  readonly zone?: Zone
  readonly ip?: string
  readonly helo?: string
  readonly sender?: string | null
  readonly value: SpfValue
  readonly reason?: string | RegExp
  readonly explanation?: string
}

/** A test for each. */
export const cases = (base: Zone, list: readonly Case[]): void => {
  for (const { title, record, zone: more = {}, value, reason, explanation, ...identity } of list) {
    test(title, async () => {
      const own = record === undefined ? {} : { 'example.com': { TXT: [record] } }
      const outcome = await evaluate(withRecords(withRecords(base, own), more), identity)
      assert.equal(outcome.value, value, `${outcome.value}: ${outcome.reason}`)
      if (reason instanceof RegExp) assert.match(outcome.reason ?? '', reason)
      else if (reason !== undefined) assert.equal(outcome.reason, reason)
      assert.equal(outcome.explanation, explanation)
    })
  }
}
