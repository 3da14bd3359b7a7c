import type { Call } from './command.ts'
import { UsageError } from './errors.ts'

/** The value of an option that is a number; undefined when it is not given. Throws UsageError. */
export const numberOption = <F>({ options }: Call, name: string, fallback: F, min: number, max: number): number | F => {
  const written = options.text(name)
  if (written === undefined) return fallback
  if (!/^-?\d{1,15}$/.test(written)) throw new UsageError(`-${name} needs a whole number, not ${written}`)
  const value = Number(written)
  if (value < min || value > max) throw new UsageError(`-${name} is from ${min} to ${max}, not ${value}`)
  return value
}
