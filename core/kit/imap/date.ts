const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const day = 86_400_000

const utc = (dayText: string, monthText: string, yearText: string): number | undefined => {
  const month = months.findIndex((name) => name.toLowerCase() === monthText.toLowerCase())
  if (month < 0) return undefined
  const date = new Date(0)
  date.setUTCFullYear(Number(yearText), month, Number(dayText)) // Date.UTC takes the years 0 to 99 for 1900 to 1999
  return date.getUTCDate() === Number(dayText) ? date.getTime() : undefined
}

/** `1-Feb-1994`: the beginning of that day, in milliseconds since 1970 (UTC); undefined for what is no date. */
export const parseDay = (text: string): number | undefined => {
  const [, date, month, year] = /^(\d{1,2})-([a-z]{3})-(\d{4})$/i.exec(text) ?? []
  return date && month && year ? utc(date, month, year) : undefined
}

/** ` 1-Feb-1994 21:52:25 -0800` (RFC 9051 §9, date-time) as milliseconds since 1970; undefined for what is none. */
export const parseDateTime = (text: string): number | undefined => {
  const pattern = /^( \d|\d{1,2})-([a-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/i
  const [, date, month, year, hour, minute, second, sign, zoneHour, zoneMinute] = pattern.exec(text) ?? []
  const start = date && month && year ? utc(date.trim(), month, year) : undefined
  if (start === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined
  if (Number(zoneHour) > 23 || Number(zoneMinute) > 59) return undefined
  const zone = (Number(zoneHour) * 60 + Number(zoneMinute)) * (sign === '-' ? -1 : 1)
  return start + ((Number(hour) * 60 + Number(minute) - zone) * 60 + Number(second)) * 1000
}

const two = (number: number): string => String(number).padStart(2, '0')

/** Milliseconds since 1970 as a date-time in quotes, in UTC. */
export const formatDateTime = (time: number): string => {
  const date = new Date(time)
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 0 || date.getUTCFullYear() > 9999)
    return formatDateTime(0)
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  const clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  return `"${String(date.getUTCDate()).padStart(2, ' ')}-${months[date.getUTCMonth()]}-${year} ${clock} +0000"`
}

/** The beginning of the day that follows, in milliseconds. */
export const nextDay = (start: number): number => start + day
