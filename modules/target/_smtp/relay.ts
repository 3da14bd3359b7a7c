import {
  ConfigError,
  type Context,
  type EndpointAddress,
  type Lifecycle,
  quoted,
  socketPath,
  type Target,
} from '../../../core/index.ts'
import { toAscii } from '../../../core/kit/address/index.ts'
import type { RelayConfig } from './directives.ts'
import { Relaying } from './relaying.ts'
import type { Servers } from './servers.ts'

const minutes = 60_000

/** A target that hands mail to fixed servers of SMTP or LMTP. Throws ConfigError. */
export const makeRelay = (
  protocol: 'smtp' | 'lmtp',
  config: RelayConfig & { readonly inline: readonly EndpointAddress[] | undefined },
  { at, directories, log }: Context,
): Target & Lifecycle => {
  const name = `target.${protocol}`
  const addresses = [...(config.targets ?? []), ...(config.inline ?? [])]
  if (addresses.length === 0) throw new ConfigError(at, `${name}: at least one target endpoint is required`)
  const stop = new AbortController()
  const farewells = new Set<Promise<void>>()
  const servers: Servers = {
    addresses,
    path: (address) => socketPath(address, directories.runtime),
    startTls: config.attempt_starttls.at(-1) ?? config.starttls,
    tls: config.tls_client,
    client: {
      protocol,
      hostname: asciiName(config.hostname, at),
      timeouts: {
        connect: config.connect_timeout || 5 * minutes,
        command: config.command_timeout || 5 * minutes,
        submission: config.submission_timeout || 12 * minutes,
      },
      signal: stop.signal,
    },
    target: name,
  }
  const relay = {
    servers,
    login: config.auth,
    log,
    leave(client: { quit(): Promise<void> }) {
      const farewell = client.quit().finally(() => farewells.delete(farewell))
      farewells.add(farewell)
    },
  }
  return {
    async start(held) {
      if (sendsPasswordsInTheClear(servers, config)) {
        log.info('passwords are sent over connections that are not encrypted')
      }
      held.defer(async () => {
        await Promise.all(farewells)
      })
      held.defer(() => stop.abort(new Error('the server is shutting down')))
    },
    begin: (envelope) => Relaying.begin(relay, envelope),
  }
}

const sendsPasswordsInTheClear = ({ addresses, startTls }: Servers, { auth }: RelayConfig): boolean =>
  !startTls &&
  auth !== null &&
  (auth === 'forward' || auth.mechanism !== 'EXTERNAL') &&
  addresses.some(({ scheme, host }) => scheme === 'tcp' && !/^(localhost|127\.[\d.]+|::1|)$/.test(host))

const asciiName = (hostname: string, at: Context['at']): string => {
  if (!/^[^\s\p{Cc}]+$/u.test(hostname))
    throw new ConfigError(at, `the hostname ${quoted(hostname)} is no name of a server`)
  try {
    return toAscii(hostname)
  } catch (cause) {
    throw new ConfigError(at, `the hostname ${hostname} cannot be written in ASCII`, { cause })
  }
}
