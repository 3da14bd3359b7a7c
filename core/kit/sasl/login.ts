import { textOf } from './error.ts'
import type { Exchange, SaslAuthority } from './mechanism.ts'

/** LOGIN (draft-murchison-sasl-login): asks for the name, unless it came with the command, and then for the password. */
export async function* login(initial: Uint8Array | null, authority: Pick<SaslAuthority, 'password'>): Exchange {
  const username = textOf(initial ?? (yield Buffer.from('Username:')))
  const password = textOf(yield Buffer.from('Password:'))
  return (await authority.password(username, password)) ? username : null
}
