import { type Zone, zone } from '../../../core/kit/dns/memory.ts'
import { type AuthenticationResult, type DmarcVerdict, evaluateDmarc } from '../../../core/kit/mail_auth/index.ts'
import { parseHeader } from '../../../core/kit/message/header.ts'
import type { Header } from '../../../core/kit/message/message.ts'

export const spf = (value: string, mailfrom: string, helo = 'client.example'): AuthenticationResult => ({
  method: 'spf',
  value,
  properties: { 'smtp.mailfrom': mailfrom, 'smtp.helo': helo },
})

export const dkim = (value: string, domain = ''): AuthenticationResult => ({
  method: 'dkim',
  value,
  ...(domain !== '' && { properties: { 'header.d': domain } }),
})

export const arc = (value: string, properties: Readonly<Record<string, string>> = {}): AuthenticationResult => ({
  method: 'arc',
  value,
  properties,
})

/** What checks find in mail that nobody vouches for. */
export const nothing = [spf('fail', 'forger.example'), dkim('none')]

/** A header with that in From, or with these lines. */
export const headerOf = (from: string | readonly string[]): Header => {
  const lines = typeof from === 'string' ? [`From: ${from}`] : from
  return parseHeader(Buffer.from(lines.map((line) => `${line}\r\n`).join('')))
}

/** A zone with these DMARC records, by the domain they are for. */
export const policies = (records: Readonly<Record<string, string>>): Zone =>
  Object.fromEntries(Object.entries(records).map(([domain, text]) => [`_dmarc.${domain}`, { TXT: [text] }]))

export const judge = (
  from: string | readonly string[],
  results: readonly AuthenticationResult[],
  records: Zone,
): Promise<DmarcVerdict> =>
  evaluateDmarc({ header: headerOf(from), results }, zone(records), AbortSignal.timeout(10_000))

/** A verdict in one line: `fail reject 550 5.7.1`. */
export const summary = ({ result, policy, error }: DmarcVerdict): string =>
  [result.value, policy, ...(error ? [error.code, error.enhanced] : [])].join(' ')
