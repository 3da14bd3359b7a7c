import {
  Authenticator,
  ConfigError,
  checkTls,
  defineModule,
  Endpoint,
  formatEndpoint,
  openBuffer,
} from '../../core/index.ts'
import { normalizers } from '../../core/kit/address/normalize.ts'
import { imapDirectives, listen } from './directives.ts'
import { type ImapConfig, serveClient } from './endpoint.ts'
import { Places } from './places.ts'
import { defaultLimits, type Settings } from './settings.ts'

/** Access to mailboxes: IMAP4rev1 and its usual extensions. */
export default defineModule({
  name: 'imap',
  doc: 'Gives users access to their mailboxes.',
  provides: [Endpoint],
  inline: listen,
  config: imapDirectives,
  create(config, context) {
    const { inline: addresses, tls, auth, storage, storage_map, storage_map_normalize } = config
    const implicit = addresses.find(({ scheme }) => scheme === 'tls')
    if (implicit && !tls) throw new ConfigError(context.at, `${implicit.text} needs tls, which is off`)
    const insecureAuth = config.insecure_auth || !tls
    const login = new Authenticator(config, context, context.log)
    const accountName = async (username: string): Promise<string | undefined> => {
      const name = normalizers[storage_map_normalize](username)
      if (!storage_map) return name
      const [account] = await storage_map.lookup(name)
      return account
    }
    return {
      addresses: addresses.map(formatEndpoint),
      async start() {
        checkTls(tls, context.at)
        warn(config, insecureAuth && auth.length > 0, (event) => context.log.info(event))
        const buffer = { mode: 'auto', memoryLimit: defaultLimits.spoolMemory, directory: undefined } as const
        const settings: Settings = {
          storage,
          login,
          accountName,
          tls,
          insecureAuth,
          log: context.log,
          ioDebug: config.io_debug,
          ioErrors: config.io_errors,
          spoolDirectory: (await openBuffer(buffer, context)).directory,
          fromAddress: new Places(config.max_connections_per_address),
          ofAccount: new Places(config.max_connections_per_user),
          identity: 'tsmaddy',
          limits: defaultLimits,
        }
        const serve = serveClient(settings, config.proxy_protocol)
        await context.serve(addresses, serve, {
          grace: config.shutdown_timeout,
          carriedBy: [storage, ...auth.map((provider) => provider.auth)],
        })
      },
    }
  },
})

function warn({ inline, tls, io_debug }: ImapConfig, insecureAuth: boolean, tell: (event: string) => void): void {
  if (io_debug) tell('what is said on the wire is logged, names and subjects of others too')
  const open = inline.some(({ scheme, host }) => scheme !== 'unix' && !host.startsWith('127.0.0.'))
  if (!open) return
  if (insecureAuth) tell('passwords are accepted over connections that are not encrypted')
  if (!tls) tell('TLS is off: mail passes unencrypted')
}
