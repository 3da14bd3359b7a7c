import type { EndpointAddress } from '../config/endpoint.ts'
import { Counters } from '../kit/counters.ts'
import type { Resolver } from '../kit/dns/resolver.ts'
import type { Logger } from '../log.ts'
import type { Logins, ServeOptions, Session } from '../module.ts'
import type { Host, Lease } from './instance.ts'
import { Listeners } from './listeners.ts'
import { LogOutput, makeLogger } from './log.ts'
import { openTargets } from './log_target.ts'
import type { Settings } from './settings.ts'
import { Shared } from './shared.ts'

export interface ProcessOptions {
  readonly dns: Resolver
  readonly logins: Logins
  /** Where log lines go until a configuration says otherwise, as in `-log`. */
  readonly log: readonly string[]
  /** Of the command line; a configuration may say otherwise. */
  readonly debug: boolean
  /** Where the process was started, absolute: relative directories and log files are taken from here. */
  readonly startDirectory: string
  readonly libexec?: string | undefined
  /** The port of other servers in place of 25, for tests on one machine. */
  readonly smtpPort?: number | undefined
}

/** What outlives every configuration: bound sockets, log outputs, shared pools, the guard over logins. One for each process. */
export class ProcessHost implements Disposable {
  readonly options: ProcessOptions
  readonly output: LogOutput
  /** Has no name, so that its lines begin with what happened. */
  readonly log: Logger
  readonly listeners: Listeners
  readonly counters = new Counters()
  readonly #shared = new Shared()

  /** Opens the log. Throws RangeError for a target that cannot be meant, and what opening one throws. */
  constructor(options: ProcessOptions) {
    this.options = options
    this.output = new LogOutput(openTargets(options.log, options.startDirectory))
    this.log = makeLogger(this.output, '', options.debug)
    this.listeners = new Listeners(this.log)
  }

  /** The process as one configuration is to see it. */
  for({ directories, debug }: Settings): Host {
    const { dns, logins, debug: flag, smtpPort } = this.options
    const claim = this.listeners.claim(directories.runtime)
    return {
      dns,
      logins,
      counters: this.counters,
      smtpPort: smtpPort ?? 25,
      directories,
      logger: (name, own) => makeLogger(this.output, name, own ?? debug ?? flag),
      lease: (address: EndpointAddress, session: Session, options: ServeOptions): Promise<Lease> =>
        claim.lease(address, session, options),
      shared: (held, key, open) => this.#shared.get(held, key, open),
    }
  }

  [Symbol.dispose](): void {
    this.output[Symbol.dispose]()
  }
}
