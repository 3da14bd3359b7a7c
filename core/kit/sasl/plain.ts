import { foreignAuthzid, malformed, textOf } from './error.ts'
import type { Exchange, SaslAuthority } from './mechanism.ts'

/**
 * PLAIN (RFC 4616): `authzid NUL authcid NUL password`. Acting as somebody else is not offered, so an authzid has to be the
 * authcid, byte by byte.
 */
export async function* plain(initial: Uint8Array | null, authority: Pick<SaslAuthority, 'password'>): Exchange {
  const response = initial ?? (yield new Uint8Array())
  const first = response.indexOf(0)
  const second = response.indexOf(0, first + 1)
  if (first < 0 || second < 0) throw malformed()
  const authzid = textOf(response.subarray(0, first))
  const username = textOf(response.subarray(first + 1, second))
  const password = textOf(response.subarray(second + 1))
  if (authzid !== '' && authzid !== username) throw foreignAuthzid()
  return (await authority.password(username, password)) ? username : null
}
