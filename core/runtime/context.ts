import { resolve } from 'node:path'
import type { Position } from '../../grammar/node.ts'
import type { Logger } from '../log.ts'
import type { Context, Session } from '../module.ts'
import type { Host, Lease } from './instance.ts'

interface Particulars {
  readonly name: string
  /** The name of its module. */
  readonly module: string
  readonly at: Position
  readonly log: Logger
  addLease(lease: Lease): void
}

/** All an instance may know of the process. */
export const makeContext = (host: Host, { name, module, at, log, addLease }: Particulars): Context => ({
  name,
  at,
  log,
  dns: host.dns,
  directories: host.directories,
  logins: host.logins,
  counters: host.counters,
  smtpPort: host.smtpPort,
  path: (written) => resolve(host.directories.state, written),
  serve: async (listen, session, options = {}) => {
    const counted: Session = async (socket, from, stop) => {
      using _ = host.counters.hold('tsmaddy_sessions', { module })
      await session(socket, from, stop)
    }
    for (const address of listen) addLease(await host.lease(address, counted, options))
  },
  shared: (held, key, open) => host.shared(held, key, open),
})
