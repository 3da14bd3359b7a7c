import { ConfigError } from '../../grammar/node.ts'
import { custom, quoted } from './values.ts'

const scale: Readonly<Record<string, number>> = { b: 1, B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }

/** Bytes from text such as `32M` or `1M 512K`; K, M and G are powers of 1024, and only 0 goes without a unit. Throws RangeError. */
export const parseSize = (written: string): number => {
  let total = 0
  for (const piece of written.split(' ')) {
    const [, count, suffix = ''] = /^(\d+)(\D*)$/.exec(piece) ?? []
    if (count === undefined) throw new RangeError(`expected a size such as 32M, not ${quoted(written)}`)
    if (Number(count) === 0) continue
    const unit = scale[suffix]
    if (unit === undefined) {
      const what = suffix === '' ? `a unit is missing after ${count}` : `${quoted(suffix)} is no unit`
      throw new RangeError(`${what} in the size ${quoted(written)}; units are B, K, M and G`)
    }
    total += Number(count) * unit
  }
  if (!Number.isSafeInteger(total)) throw new RangeError(`the size ${written} is out of range`)
  return total
}

/** Bytes, written `32M`; several words are added up: `1M 512K`. */
export const size = () =>
  custom({ args: 'size', usage: 'SIZE' }, (words, { name }) => {
    if (words.length === 0) throw new ConfigError(name.at, `${name.text} needs a size such as 32M`)
    return parseSize(words.map((word) => word.text).join(' '))
  })
