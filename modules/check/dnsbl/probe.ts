import type { Logger, Resolver } from '../../../core/index.ts'
import type { List } from './list.ts'

/** An entry that every list has, or that none may have (RFC 5782 §5). */
interface TestEntry {
  readonly labels: string
  readonly listed: boolean
}

const addressEntries: readonly TestEntry[] = [
  { labels: '2.0.0.127', listed: true },
  { labels: '1.0.0.127', listed: false },
]

const nameEntries: readonly TestEntry[] = [
  { labels: 'test', listed: true },
  { labels: 'invalid', listed: false },
]

/** Asks lists for their test entries, and logs what speaks against using them: one that is gone may list everybody. Never throws. */
export const probe = async (lists: readonly List[], dns: Resolver, log: Logger, signal: AbortSignal): Promise<void> => {
  await Promise.all(lists.map((list) => probeList(list, dns, log, signal)))
}

const probeList = async (list: List, dns: Resolver, log: Logger, signal: AbortSignal): Promise<void> => {
  const entries = [...(list.ipv4 ? addressEntries : []), ...(list.ehlo ? nameEntries : [])]
  for (const { labels, listed } of entries) {
    const fields = { list: list.zone, entry: `${labels}.${list.zone}` }
    try {
      const { records } = await dns.a(fields.entry, signal)
      if (records.length > 0 === listed) continue
      log.info(listed ? 'list does not contain its test entry' : 'list contains what no list may contain', fields)
    } catch (error) {
      if (signal.aborted) return
      log.error('list could not be asked', error, fields)
    }
  }
}
