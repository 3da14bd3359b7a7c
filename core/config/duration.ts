import { ConfigError } from '../../grammar/node.ts'
import { custom, quoted } from './values.ts'

/** In nanoseconds, so that what is written in any unit is exact. */
const unit: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/** Nanoseconds, about 292 years: what maddy can hold. */
const longest = 2 ** 63

/**
 * Milliseconds from text such as `1h30m`, `500ms`, `0`; fractions down to a nanosecond. Throws RangeError.
 * A sign stands once, before everything; a negative total is refused.
 */
export const parseDuration = (written: string): number => {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(written) ?? []
  if (rest === '0') return 0
  if (rest === '') throw new RangeError(`expected a duration such as 1h30m, not ${quoted(written)}`)
  let total = 0
  const term = /(\d+\.?\d*|\.\d+)([^\d.+-]*)/y
  while (term.lastIndex < rest.length) {
    const [, count, name = ''] = term.exec(rest) ?? []
    if (count === undefined) throw new RangeError(`expected a duration such as 1h30m, not ${quoted(written)}`)
    const scale = unit[name]
    if (scale === undefined) {
      const what = name === '' ? `a unit is missing after ${count}` : `${quoted(name)} is no unit`
      throw new RangeError(`${what} in the duration ${quoted(written)}; units are ns, us, ms, s, m and h`)
    }
    total += Number(count) * scale
  }
  if (total > longest) throw new RangeError(`the duration ${written} is out of range`)
  if (sign === '-' && total > 0) throw new RangeError(`a duration cannot be negative, as ${written} is`)
  return total / 1e6
}

/** Milliseconds, written `1h30m`; several words are joined: `1h 30m`, `30 s`. */
export const duration = () =>
  custom({ args: 'duration', usage: 'DURATION' }, (words, { name }) => {
    if (words.length === 0) throw new ConfigError(name.at, `${name.text} needs a duration such as 1h30m`)
    return parseDuration(words.map((word) => word.text).join(''))
  })
