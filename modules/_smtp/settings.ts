import type { Authenticator, Limits, Logger, Pipeline, Resolver } from '../../core/index.ts'
import type { SpoolOptions } from '../../core/kit/message/spool.ts'
import type { Tally } from './tally.ts'

/** What all sessions of an endpoint share. */
export interface Settings {
  readonly hostname: string
  readonly protocol: 'smtp' | 'lmtp'
  /** Mail comes from users who have logged in, and is made complete. */
  readonly submission: boolean
  readonly pipeline: Pipeline
  readonly limits: Limits | undefined
  readonly authenticator: Authenticator
  readonly dns: Resolver
  readonly log: Logger
  readonly tally: Tally
  /** Where bodies are kept. */
  readonly spool: SpoolOptions
  /** In bytes. */
  readonly maxHeaderSize: number
  readonly maxReceived: number
  readonly deferSenderReject: boolean
  readonly maxLoggedRcptErrors: number
}
