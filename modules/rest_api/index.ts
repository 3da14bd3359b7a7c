import type { Socket } from 'node:net'
import {
  ConfigError,
  checkTls,
  defineModule,
  Endpoint,
  formatEndpoint,
  formatPeer,
  peerOf,
  serverHandshake,
} from '../../core/index.ts'
import { Audit } from './audit.ts'
import { Connections } from './connections.ts'
import { directives, listen } from './directives.ts'
import { Provisioning } from './provisioning.ts'
import { packageVersion } from './version.ts'

/** How long a TLS handshake may take; milliseconds. */
const handshakeTimeout = 10_000

/** Users, mailboxes and quotas over HTTP. */
export default defineModule({
  name: 'rest_api',
  doc: 'Manages users, mailboxes and quotas over HTTP, with a page for administrators at /admin and documentation at /docs. ENABLE_API=true in the environment adds one on port 8080, or MADDY_PORT, where the configuration has none.',
  provides: [Endpoint],
  inline: listen(),
  config: directives,
  create(config, context) {
    const { inline: addresses, tls, credentials: users, dkim } = config
    const { accounts, quotas } = config.storage
    const { log, logins, counters } = context
    const implicit = addresses.find(({ scheme }) => scheme === 'tls')
    if (implicit && !tls) throw new ConfigError(context.at, `${implicit.text} needs tls, which is off`)
    const audit = new Audit(log)

    const handler = async () => {
      const [{ makeApp }, { routes }] = await Promise.all([import('./app.ts'), import('./routes/index.ts')])
      const version = config.show_version ? await packageVersion() : 'tsmaddy'
      const stores = { users, accounts, dkim }
      return await makeApp({
        administrator: { email: config.admin_email, password: config.admin_password },
        requestsPerSecond: config.requests_per_second,
        origins: config.cors_allow_origins ?? [],
        policy: config.content_security_policy,
        fqdn: config.fqdn,
        useCookies: config.use_cookies,
        trustedProxies: config.trusted_proxies,
        logins,
        log,
        routes,
        version,
        services: {
          ...stores,
          provisioning: new Provisioning(stores, log),
          quotas,
          counters,
          version,
          log,
          changed: (what, fields, author) => audit.changed(what, fields, author),
        },
      })
    }

    const serve = async (connections: Connections, accepted: Socket, secure: boolean, stop: AbortSignal) => {
      let socket = accepted
      try {
        if (secure && tls) socket = await serverHandshake(accepted, tls, handshakeTimeout)
      } catch (error) {
        log.debug('connection error', { src_ip: formatPeer(peerOf(accepted)), reason: String(error) })
        accepted.destroy()
        return
      }
      await connections.converse(socket, stop)
    }

    return {
      addresses: addresses.map(formatEndpoint),
      async start() {
        checkTls(tls, context.at)
        await users.list() // throws for credentials that cannot be managed
        const connections = new Connections(await handler())
        await context.serve(
          addresses,
          (socket, { scheme }, stop) => serve(connections, socket, scheme === 'tls', stop),
          { grace: config.shutdown_timeout },
        )
      },
    }
  },
})
