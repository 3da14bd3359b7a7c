import type { Logger, Origin, Verdict } from '../../../core/index.ts'
import { Check, checkDirectives, defineModule, flag, integer, SmtpError } from '../../../core/index.ts'
import { inlineLists, lists } from './directives.ts'
import type { Listing } from './list.ts'
import { lookUp } from './list.ts'
import { probe } from './probe.ts'

const directives = {
  ...checkDirectives,
  check_early: flag()
    .default('no')
    .doc('Refuses clients at their greeting already: those that would be rejected, or cannot be looked up.'),
  quarantine_threshold: integer().default('1').doc('From how many points on mail is marked as fit for Junk.'),
  reject_threshold: integer().default('9999').doc('From how many points on mail is refused.'),
  debug: flag().inherit().default('no').doc('Verbose log.'),
}

export default defineModule({
  name: 'check.dnsbl',
  doc: 'Looks clients up in DNS lists, and adds up the points of those that have them.',
  provides: [Check],
  inline: inlineLists().doc('Zones of lists of IPv4 addresses, whose listings count no points.'),
  config: directives,
  lines: lists(Object.keys(directives)).doc('Lists by their zones, and how they are used.'),
  create({ check_early, quarantine_threshold, reject_threshold, timeout, inline = [], lines = [] }, { dns, log }) {
    const all = [...inline, ...lines]

    const judgeClient = async (
      { peer, helo }: Origin,
      log: Logger,
      signal: AbortSignal,
    ): Promise<Verdict | undefined> => {
      if (!peer) return undefined
      const listings: Listing[] = []
      for (const found of await Promise.all(all.map((list) => lookUp(list, { ip: peer.ip, helo }, dns, signal)))) {
        if (found instanceof SmtpError) return { action: 'reject', reason: found }
        if (found) listings.push(found)
      }
      const score = listings.reduce((sum, { points }) => sum + points, 0)
      const reason = reasonOf(listings, score)
      if (score >= reject_threshold) return { action: 'reject', reason }
      if (score >= quarantine_threshold) return { action: 'quarantine', reason }
      if (listings.length > 0) log.debug('listed, but for too few points', reason.fields)
      return undefined
    }

    return {
      name: 'dnsbl',
      timeout,
      ...(check_early && {
        async greeted(origin: Origin, signal: AbortSignal) {
          const verdict = await judgeClient(origin, log, signal)
          if (verdict?.action === 'reject') throw verdict.reason
        },
      }),
      // What was asked at the greeting is remembered by the resolver, so that asking again costs nothing.
      begin: ({ id, origin }) => ({ connection: (signal) => judgeClient(origin, log.with({ msg_id: id }), signal) }),
      async start(held) {
        const stop = new AbortController()
        const probing = probe(all, dns, log, stop.signal)
        held.defer(async () => {
          stop.abort()
          await probing
        })
      },
    }
  },
})

const reasonOf = (listings: readonly Listing[], score: number): SmtpError => {
  const joined = (texts: readonly (string | undefined)[]) => texts.filter((text) => text).join('; ')
  const text = joined(listings.map(({ message }) => message)) || 'Client identity is listed in the used DNSBL'
  return SmtpError.permanent(554, '5.7.0', text, {
    check: 'dnsbl',
    list: joined(listings.map(({ zone }) => zone)),
    listed_identity: joined([...new Set(listings.map(({ identity }) => identity))]),
    score,
    reason: joined(listings.map(({ why }) => why)) || 'no list has the client',
  })
}
