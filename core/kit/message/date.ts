const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Hours east of Greenwich (RFC 5322 §4.3). Any other name counts as UTC, as the RFC has it. */
const zones: Readonly<Record<string, number>> = {
  EST: -5,
  EDT: -4,
  CST: -6,
  CDT: -5,
  MST: -7,
  MDT: -6,
  PST: -8,
  PDT: -7,
}

const form =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?[ \t]+|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),)?(\d{1,2})[ \t]+([A-Z]{3})[ \t]+(\d{4}|\d{2})[ \t]+(\d{1,2}):(\d{2})(?::(\d{2}))?[ \t]+([+-]\d{4}|[A-Z]{1,5})$/i

/** How a zone is written: that of this machine, UTC, or minutes east of Greenwich. */
export type Zone = 'local' | 'UTC' | number

/** A date as RFC 5322 §3.3 writes it: `Tue, 03 Mar 2026 09:05:00 +0100`; the day as `3` when it is not to be padded. */
export function formatDate(date: Date, zone: Zone = 'local', padDay = true): string {
  const offset = zone === 'local' ? -date.getTimezoneOffset() : zone === 'UTC' ? 0 : zone
  const there = new Date(date.getTime() + offset * 60_000)
  const day = padDay ? two(there.getUTCDate()) : String(there.getUTCDate())
  const year = String(there.getUTCFullYear()).padStart(4, '0')
  const time = [there.getUTCHours(), there.getUTCMinutes(), there.getUTCSeconds()].map(two).join(':')
  const east = Math.abs(offset)
  const shift = `${offset < 0 ? '-' : '+'}${two(Math.floor(east / 60))}${two(east % 60)}`
  return `${weekdays[there.getUTCDay()]}, ${day} ${months[there.getUTCMonth()]} ${year} ${time} ${shift}`
}

/**
 * The time a Date field names, in milliseconds since 1970, and the zone it was written in. Weekday and seconds may be
 * missing, the year may have two digits, the zone be a name; a comment at the end is passed over. Undefined for what is
 * no date.
 */
export function parseDate(text: string): { readonly ms: number; readonly zoneMinutes: number } | undefined {
  if (text.length > 256) return undefined
  const [, day, monthName = '', year = '', hour, minute, second = '0', zone = ''] =
    form.exec(withoutComment(text)) ?? []
  const month = months.findIndex((name) => name.toLowerCase() === monthName.toLowerCase())
  const zoneMinutes = minutesOf(zone)
  if (month < 0 || zoneMinutes === undefined) return undefined
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  const midnight = new Date(0)
  midnight.setUTCFullYear(fullYear(year), month, Number(day))
  if (midnight.getUTCDate() !== Number(day)) return undefined // 31 Jun, or the 0th
  const minutes = Number(hour) * 60 + Number(minute) - zoneMinutes
  return { ms: midnight.getTime() + minutes * 60_000 + Number(second) * 1000, zoneMinutes }
}

function withoutComment(text: string): string {
  return text
    .trim()
    .replace(/\([^()]*\)$/, '')
    .trim()
}

/** RFC 5322 §4.3: two digits up to 49 are of this century. */
function fullYear(year: string): number {
  return year.length === 4 ? Number(year) : Number(year) + (Number(year) < 50 ? 2000 : 1900)
}

function minutesOf(zone: string): number | undefined {
  const [, sign, hours, minutes] = /^([+-])(\d{2})(\d{2})$/.exec(zone) ?? []
  if (sign === undefined) return zone === '' ? undefined : (zones[zone.toUpperCase()] ?? 0) * 60
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) || 0
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
