import type { EndpointAddress } from '../../../core/index.ts'
import { type ClientTls, formatEndpoint, type Logger } from '../../../core/index.ts'
import {
  type ClientOptions,
  type ServerAddress,
  SmtpClient,
  SmtpClientError,
} from '../../../core/kit/smtp/client/index.ts'

/** Where mail goes, and how. */
export interface Servers {
  /** In the order in which they are tried. */
  readonly addresses: readonly EndpointAddress[]
  /** Of Unix sockets. */
  path(address: EndpointAddress): string
  readonly startTls: boolean
  readonly tls: ClientTls
  readonly client: Omit<ClientOptions, 'tls' | 'fields' | 'trace'>
  /** The name of the module, for the log. */
  readonly target: string
}

/** A connection to the first server that can be reached and used, TLS included. Throws what is wrong with the last. */
export const connect = async (servers: Servers, log: Logger): Promise<SmtpClient> => {
  let failure: unknown
  for (const address of servers.addresses) {
    const name = formatEndpoint(address)
    try {
      const client = await open(servers, address, log)
      const { local, remote } = client.ends
      log.debug('connected', { downstream_server: name, local_addr: local, remote_addr: remote })
      return client
    } catch (error) {
      if (servers.client.signal?.aborted) throw error
      failure = error
      if (servers.addresses.length > 1) log.error('connect error', error, { downstream_server: name })
    }
  }
  throw failure
}

const open = async (servers: Servers, address: EndpointAddress, log: Logger): Promise<SmtpClient> => {
  const host = address.host || 'localhost'
  const to: ServerAddress = address.scheme === 'unix' ? { path: servers.path(address) } : { host, port: address.port }
  const fields = { target: servers.target, remote_server: formatEndpoint(address) }
  const client = await SmtpClient.open(to, {
    ...servers.client,
    fields,
    ...(address.scheme === 'tls' && { tls: servers.tls.options(host) }),
    ...(log.debugging && { trace: (line) => log.debug('dialogue', { remote_server: fields.remote_server, line }) }),
  })
  // A connection that began with TLS needs no STARTTLS.
  if (!servers.startTls || address.scheme === 'tls') return client
  try {
    if (!client.capabilities.has('STARTTLS')) {
      throw new SmtpClientError('unsupported', 'TLS required but unsupported by downstream', fields)
    }
    await client.startTls(servers.tls.options(host))
    return client
  } catch (error) {
    await client.quit()
    throw error
  }
}
