import { ConfigError } from '../../grammar/node.ts'
import { Directive } from '../config/directive.ts'
import { use } from '../config/reference.ts'
import { flag, oneOf } from '../config/values.ts'
import type { NormalizerName } from '../kit/address/normalize.ts'
import { normalizerNames } from '../kit/address/normalize.ts'
import { Auth, ScramAuth } from './auth.ts'
import { Table } from './table.ts'

/** A function on names, by the words of `auth_map_normalize`, `storage_map_normalize` and their like. */
export const normalizer = () => oneOf<NormalizerName>(...normalizerNames)

/** Somebody who knows who may log in, and what else it can do. */
export interface Provider {
  readonly auth: Auth
  /** The same instance, where it has that ability. */
  readonly scram: ScramAuth | undefined
}

const provider = () =>
  new Directive<Provider | undefined>(
    { args: `module:${Auth.namespace}`, usage: '&NAME|MODULE …', role: Auth },
    async (node, scope) => {
      const auth = await scope.instance(Auth, node)
      return { auth, scram: scope.provides(auth, ScramAuth) ? (auth as ScramAuth) : undefined }
    },
  )

const userTable = () => {
  const { shape } = use(Table)
  return new Directive<Table | undefined>(shape, async (node, scope) => {
    const table = await scope.instance(Table, node)
    if (!scope.provides(table, Auth)) return table
    // As a table, it gives what it keeps of the password.
    const { at } = node.args[0] ?? node.name
    throw new ConfigError(at, `${node.name.text} needs a table of user names, and not of credentials`)
  })
}

/** What endpoints with logins share. */
export const loginDirectives = {
  auth: provider().many().doc('Who knows the passwords; several are asked in the order written.'),
  sasl_login: flag().default('no').doc('Also offers the mechanism LOGIN, for old clients.'),
  sasl_external: userTable().doc(
    'Lets clients log in with a TLS certificate (mechanism EXTERNAL), for which the client_ca of tls vouches: maps its e-mail address, or its common name when it has none, to a user name. With `identity` it is the user name.',
  ),
  auth_map: use(Table)
    .inherit()
    .doc('Maps a user name to the one that providers know; names without an entry are refused.'),
  auth_map_normalize: normalizer().inherit().default('auto').doc('What is done to a user name before it is mapped.'),
}
