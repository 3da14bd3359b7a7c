/** Each 1024 of the one before, as in the configuration of the server. */
const units = ['KB', 'MB', 'GB', 'TB', 'PB', 'EB']

/** The largest limit that the server keeps. */
const most = 2n ** 63n - 1n

/** @typedef {number | bigint} Bytes exact, whatever their number */

/**
 * Bytes for people: `1.5 GB`, three digits of it.
 *
 * @param {Bytes} bytes
 */
export const formatBytes = (bytes) => {
  let size = Number(bytes)
  if (size < 1024) return size === 1 ? '1 byte' : `${size} bytes`
  let unit = -1
  while (unit < units.length - 1 && size >= 999.5) {
    size /= 1024
    unit++
  }
  return `${Number(size.toPrecision(3))} ${units[unit]}`
}

/**
 * Every byte: `10,737,418,240 bytes`.
 *
 * @param {Bytes} bytes
 */
export const exactBytes = (bytes) => `${bytes.toLocaleString('en')} ${Number(bytes) === 1 ? 'byte' : 'bytes'}`

/**
 * What somebody wrote: `10 GB`, `1.5g`, `500 MiB`, `10485760`. Throws RangeError, which says what is wrong with it.
 *
 * @param {string} written
 * @returns {bigint}
 */
export const parseBytes = (written) => {
  const text = written.trim().replaceAll(/(?<=\d)[\s_'](?=\d)/g, '')
  const [, whole, fraction = '', unit = ''] = /^(\d{1,19})(?:[.,](\d{1,6}))?\s*([a-z]*)$/i.exec(text) ?? []
  if (whole === undefined) throw new RangeError('Write a size such as 10 GB or 500 MB')
  const scale = scaleOf(unit)
  if (scale === undefined) throw new RangeError(`“${unit}” is no unit: use KB, MB, GB or TB`)
  const bytes = (BigInt(whole + fraction) * scale) / 10n ** BigInt(fraction.length)
  if (bytes === 0n) throw new RangeError('A limit has at least one byte')
  if (bytes > most) throw new RangeError('That is more than the server can count')
  return bytes
}

/**
 * @param {string} unit
 * @returns {bigint | undefined}
 */
const scaleOf = (unit) => {
  if (/^(b|bytes?)?$/i.test(unit)) return 1n
  const [, letter] = /^([kmgtpe])(?:i?b)?$/i.exec(unit) ?? []
  if (letter === undefined) return undefined
  return 1024n ** BigInt('kmgtpe'.indexOf(letter.toLowerCase()) + 1)
}

/**
 * A size as one would write it, when that is exact: `10 GB`; otherwise its bytes.
 *
 * @param {Bytes} bytes
 */
export const writtenBytes = (bytes) => {
  const size = BigInt(bytes)
  const power = units.findLastIndex((_, index) => size % 1024n ** BigInt(index + 1) === 0n)
  return power < 0 || size === 0n ? String(size) : `${size / 1024n ** BigInt(power + 1)} ${units[power]}`
}

/**
 * What part of a limit is used, in percent; undefined without a limit.
 *
 * @param {Bytes} used
 * @param {Bytes} limit
 */
export const percentOf = (used, limit) => (Number(limit) === 0 ? undefined : (Number(used) / Number(limit)) * 100)
