import type { Position } from '../../grammar/node.ts'
import { toAscii } from '../kit/address/index.ts'
import type { Counters } from '../kit/counters.ts'
import type { Resolver } from '../kit/dns/resolver.ts'
import type { Envelope, Origin } from '../kit/smtp/envelope.ts'
import { SmtpError } from '../kit/smtp/error.ts'
import type { Logger } from '../log.ts'
import type { Check } from '../mail/check.ts'
import type { Delivery, Target } from '../mail/target.ts'
import type { PipelineConfig } from './directives.ts'
import { within } from './inspections.ts'
import { Passage } from './passage.ts'
import type { Routes } from './routes.ts'
import { routesOf } from './routes.ts'

/** What a pipeline needs of the module it is part of. */
export interface Surroundings {
  /** The name under which this server speaks in Authentication-Results and Received. */
  readonly hostname: string
  readonly log: Logger
  readonly dns: Resolver
  readonly counters: Counters
}

export interface PipelineOptions extends Surroundings {
  /** Where its block stands. */
  readonly at: Position
  /**
   * Set where messages enter this server: they get a Received field, and results that claim to be of this server are
   * removed.
   */
  readonly entry?: { readonly hideClient: boolean }
}

/** The same for all messages of a pipeline. */
export interface Way extends Omit<PipelineOptions, 'at'> {
  /** `hostname` in A-labels. */
  readonly authservId: string
  readonly routes: Routes
  readonly dmarc: boolean
}

/** Judges, rewrites and routes messages to targets. Throws ConfigError when its directives contradict each other. */
export class Pipeline implements Target {
  readonly #way: Way
  readonly #early: readonly Check[]

  constructor(config: PipelineConfig, { at, ...options }: PipelineOptions) {
    const routes = routesOf(config, at, options)
    this.#way = { ...options, authservId: asciiName(options.hostname), routes, dmarc: config.dmarc }
    this.#early = routes.checks.filter((check) => check.greeted)
  }

  /** Some check looks at clients before there is a message. */
  get judgesGreetings(): boolean {
    return this.#early.length > 0
  }

  /** Lets the checks of every message judge a client that has greeted. Throws SmtpError to refuse the greeting. */
  async greeted(origin: Origin): Promise<void> {
    const judging = this.#early.map((check) => within(check.timeout, async (signal) => check.greeted?.(origin, signal)))
    for (const judged of await Promise.allSettled(judging)) {
      if (judged.status === 'rejected') throw SmtpError.from(judged.reason)
    }
  }

  async begin(envelope: Envelope): Promise<Delivery> {
    return await Passage.begin(this.#way, envelope)
  }
}

/** A name that no DNS could hold is refused elsewhere, with its place in the configuration. */
const asciiName = (hostname: string): string => {
  try {
    return toAscii(hostname)
  } catch {
    return hostname
  }
}
