import { hashes } from '../core/kit/password/index.ts'
import type { Call } from './command.ts'
import { UsageError } from './errors.ts'
import { numberOption } from './number.ts'

/** The algorithm that -hash names; undefined when it is not given. Throws UsageError. */
export const hashName = ({ options }: Call): string | undefined => {
  const name = options.text('hash')
  if (name === undefined || hashes.some((known) => known === name)) return name
  throw new UsageError(`there is no hash ${name}; there are ${hashes.join(', ')}`)
}

/** What -bcrypt-cost says; 10 when it is not given. Throws UsageError. */
export const bcryptCostOf = (call: Call): number => numberOption(call, 'bcrypt-cost', 10, 4, 31)
