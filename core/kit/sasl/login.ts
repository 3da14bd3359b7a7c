import { textOf } from './error.ts'
import type { Exchange } from './mechanism.ts'

/** LOGIN (draft-murchison-sasl-login): asks for the name, unless it came with the command, and then for the password. */
export function* login(initial: Uint8Array | null): Exchange {
  const username = textOf(initial ?? (yield Buffer.from('Username:')))
  const password = textOf(yield Buffer.from('Password:'))
  return { username, password }
}
