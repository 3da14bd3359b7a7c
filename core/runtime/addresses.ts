import { ConfigError, formatPosition, type Word } from '../../grammar/node.ts'
import { type EndpointAddress, formatEndpoint, parseEndpoint, socketPath } from '../config/endpoint.ts'
import type { Block } from './blocks.ts'
import { isWildcard } from './port.ts'

/** What is bound for an address, as text: `tcp:` and `tls:` meet there, and so do all ways to write every address. */
export const boundPlace = (address: EndpointAddress, runtimeDirectory: string): string => {
  const { scheme, host } = address
  if (scheme === 'unix') return formatEndpoint({ ...address, path: socketPath(address, runtimeDirectory) })
  return formatEndpoint({ ...address, scheme: 'tcp', host: isWildcard(host) ? '' : host })
}

/** Whether the system chooses the port, so that it is another each time. */
export const isFree = ({ scheme, port }: EndpointAddress): boolean => scheme !== 'unix' && port === 0

/** What is wrong with a configuration whose endpoints listen on an address twice. */
export const repeatedAddresses = (blocks: readonly Block[], runtimeDirectory: string): readonly ConfigError[] => {
  const problems: ConfigError[] = []
  const taken = new Map<string, Word>()
  for (const word of blocks.flatMap(({ endpoint, node }) => (endpoint ? node.args : []))) {
    const address = parsed(word.text)
    if (address === undefined || isFree(address)) continue
    const place = boundPlace(address, runtimeDirectory)
    const first = taken.get(place)
    if (first === undefined) taken.set(place, word)
    else problems.push(new ConfigError(word.at, `${word.text} is listened on already, at ${formatPosition(first.at)}`))
  }
  return problems
}

/** Undefined for what is no address, which its endpoint has told. */
const parsed = (written: string): EndpointAddress | undefined => {
  try {
    return parseEndpoint(written)
  } catch {
    return undefined
  }
}
