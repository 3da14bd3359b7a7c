import { resolve } from 'node:path'
import type { Position } from '../../grammar/node.ts'
import type { Logger } from '../log.ts'
import type { Context } from '../module.ts'
import type { Host, Lease } from './instance.ts'

interface Particulars {
  readonly name: string
  readonly at: Position
  readonly log: Logger
  addLease(lease: Lease): void
}

/** All an instance may know of the process. */
export const makeContext = (host: Host, { name, at, log, addLease }: Particulars): Context => ({
  name,
  at,
  log,
  dns: host.dns,
  directories: host.directories,
  logins: host.logins,
  path: (written) => resolve(host.directories.state, written),
  serve: async (listen, session, options = {}) => {
    for (const address of listen) addLease(await host.lease(address, session, options))
  },
  shared: (held, key, open) => host.shared(held, key, open),
})
