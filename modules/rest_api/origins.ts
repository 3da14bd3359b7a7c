import { quoted } from '../../core/index.ts'

/** What a host with a port is made of, as far as a wildcard may stand for it. */
const any = '[\\w.:-]*'
const one = '[\\w-]'

/** `*`, or `scheme://host[:port]` with `*` and `?`. Throws RangeError for what no browser would send as an origin. */
export const checkOrigin = (written: string): string => {
  if (written !== '*' && !/^[a-z][a-z0-9+.-]*:\/\/[\w.*?-]+(:[\d*?]+)?$/i.test(written)) {
    throw new RangeError(`expected an origin such as https://admin.example.org, not ${quoted(written)}`)
  }
  return written.toLowerCase()
}

export interface Origins {
  /** What Access-Control-Allow-Origin says to that origin; undefined when it is not welcome. */
  allowed(origin: string): string | undefined
  /** Whether that origin may send the credentials that the browser has: only one that is written out. */
  trusted(origin: string): boolean
}

/** Reads origins that `checkOrigin` has passed. */
export const readOrigins = (written: readonly string[]): Origins => {
  const exact = new Set(written.filter((each) => !/[*?]/.test(each)))
  const patterns = written.filter((each) => each !== '*' && /[*?]/.test(each)).map(toPattern)
  const everybody = written.includes('*')
  const trusted = (origin: string) => exact.has(origin.toLowerCase())
  const listed = (origin: string) => trusted(origin) || patterns.some((pattern) => pattern.test(origin))
  return {
    trusted,
    allowed: (origin) => (listed(origin) ? origin : everybody ? '*' : undefined),
  }
}

const toPattern = (written: string): RegExp => {
  const escaped = written.replace(/[.+^${}()|[\]\\/]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', any).replaceAll('?', one)}$`, 'i')
}
