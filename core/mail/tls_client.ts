import type { Node } from '../../grammar/node.ts'
import { ConfigError } from '../../grammar/node.ts'
import { readBlock } from '../config/block.ts'
import type { Scope } from '../config/directive.ts'
import { blaming, Directive } from '../config/directive.ts'
import { text, words } from '../config/values.ts'
import { ClientTls } from '../kit/tls/client.ts'
import { checkPair } from '../kit/tls/pem.ts'
import { placeOf, readAuthorities, readPem } from './tls_authorities.ts'
import { tlsParameters } from './tls_parameters.ts'

export { ClientTls } from '../kit/tls/client.ts'

const blockDirectives = {
  root_ca: words('PATH…').doc('PEM files with the authorities to trust, instead of those of the system.'),
  cert: text('PATH').doc('The certificate to show to servers that ask for one, PEM; needs key.'),
  key: text('PATH').doc('The key of cert, PEM.'),
  ...tlsParameters,
}

/**
 * How connections to other servers speak TLS: `tls_client { … }`. The files are read along with the configuration. A module
 * writes `tlsClient().inherit().default('')` to have one in any case.
 */
export const tlsClient = () =>
  new Directive<ClientTls | undefined>({ args: 'block', usage: '{ … }', children: blockDirectives }, readClientTls)

const readClientTls = async (node: Node, scope: Scope): Promise<ClientTls> => {
  const { root_ca, cert, key, ...parameters } = await readBlock(blockDirectives, node, scope)
  const place = (name: string) => placeOf(node, name)
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? ['key', 'cert'] : ['cert', 'key']
    throw new ConfigError(place(given).at, `${given} is of no use without ${missing}`)
  }
  const ca = root_ca && (await readAuthorities(root_ca, place('root_ca'), scope))
  const pair =
    cert !== undefined && key !== undefined
      ? { cert: await readPem(cert, place('cert'), scope), key: await readPem(key, place('key'), scope) }
      : undefined
  const tls = new ClientTls({ ...parameters, pair, ca })
  // Making the context takes long, with all the authorities of the system. What it could fail for is looked at here.
  if (pair) blaming(place('cert').at, () => checkPair(pair))
  return tls
}
