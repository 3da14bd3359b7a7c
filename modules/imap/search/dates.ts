import type { Conditions } from '../../../core/index.ts'
import { nextDay } from '../../../core/kit/imap/date.ts'
import { parseDate } from '../../../core/kit/message/date.ts'
import type { Candidate, SearchKey } from './key.ts'

/** The days from `since` on and before `before`; each may be missing. Milliseconds since 1970. */
interface Span {
  readonly since?: number
  readonly before?: number
}

const includes = ({ since, before }: Span, time: number): boolean =>
  (since === undefined || time >= since) && (before === undefined || time < before)

export const before = (day: number): Span => ({ before: day })
export const on = (day: number): Span => ({ since: day, before: nextDay(day) })
export const since = (day: number): Span => ({ since: day })

/** By the time of arrival: days are those of UTC, in which FETCH shows it. */
export const arrived = (span: Span): SearchKey => ({
  cost: 'row',
  conditions: span satisfies Conditions,
  matches: ({ internalDate }) => includes(span, internalDate),
})

/** By the date the message bears, in the zone it bears; one without a date, or a wrong one, is never found. */
export const sent = (span: Span): SearchKey => ({
  cost: 'header',
  matches: (candidate) => {
    const date = dateOf(candidate)
    return date !== undefined && includes(span, date.ms + date.zoneMinutes * 60_000)
  },
})

/** The Date field of a message. */
export const dateOf = ({ header }: Pick<Candidate, 'header'>): ReturnType<typeof parseDate> => {
  const [written] = header?.Date ?? []
  return written === undefined ? undefined : parseDate(written)
}
