import { setMaxListeners } from 'node:events'
import type { S3, S3ClientConfig } from '@aws-sdk/client-s3'
import type { CredentialSource } from './credentials.ts'
import { credentialsOf } from './credentials.ts'
import type { S3Endpoint } from './endpoint.ts'
import { reasonOf, regionTold, statusOf } from './failure.ts'

export interface S3Options {
  readonly endpoint: S3Endpoint
  readonly secure: boolean
  readonly bucket: string
  readonly region: string | undefined
  readonly source: CredentialSource
  /** How long the store may be silent before a request counts as failed; milliseconds. */
  readonly timeout: number
}

/** Attempts of a request, with pauses in between that grow and are left to chance. Keys are random, so none does harm. */
export const attempts = 3

/** Where a store is that does not say so: everybody but Amazon takes any region, or this one. */
const usualRegion = 'us-east-1'

/** Connections to a store; each takes the memory of a few messages. */
const mostSockets = 1000

/** A bucket, and the connections to it. */
export class Connection implements AsyncDisposable {
  readonly s3: S3
  readonly bucket: string
  /** Aborts when the connection is closed. */
  readonly closed: AbortSignal
  /** How long a request may take that the store does not answer, with all its attempts; milliseconds. */
  readonly patience: number
  readonly #closing = new AbortController()

  private constructor(s3: S3, { bucket, timeout }: S3Options) {
    this.s3 = s3
    this.bucket = bucket
    this.patience = timeout * attempts
    this.closed = this.#closing.signal
    setMaxListeners(0, this.closed)
    // Of every request, those included that the SDK makes by itself, nothing is left when the connection is closed.
    const { requestHandler } = s3.config
    const handle = requestHandler.handle.bind(requestHandler)
    requestHandler.handle = (request, options) => handle(request, { ...options, abortSignal: this.closed })
  }

  /** Finds the bucket, which must exist. Throws when it cannot be used. */
  static async open(options: S3Options): Promise<Connection> {
    const { bucket, endpoint } = options
    try {
      const credentials = await credentialsOf(options.source)
      const region = options.region ?? endpoint.region
      const connect = async (where: string) => {
        const { S3 } = await import('@aws-sdk/client-s3')
        return new Connection(new S3(clientConfig(options, where, credentials)), options)
      }
      const first = await connect(region ?? usualRegion)
      const refusal = await first.#check()
      if (refusal === undefined) return first
      await first[Symbol.asyncDispose]()
      const told = region === undefined ? regionTold(refusal) : undefined
      if (told === undefined || told === usualRegion) throw refusal
      const second = await connect(told)
      const again = await second.#check()
      if (again === undefined) return second
      await second[Symbol.asyncDispose]()
      throw again
    } catch (cause) {
      throw new Error(`the bucket ${bucket} at ${endpoint.host} cannot be used: ${reasonOf(cause)}`, { cause })
    }
  }

  /** What speaks against the bucket. An answer to HEAD has no room for a reason, and so it is asked for in another way. */
  async #check(): Promise<unknown> {
    try {
      await this.s3.headBucket({ Bucket: this.bucket })
      return undefined
    } catch (error) {
      if (statusOf(error) === undefined) return error
    }
    try {
      await this.s3.listObjectsV2({ Bucket: this.bucket, MaxKeys: 1 })
      return undefined
    } catch (error) {
      return error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error('the connection to the store has been closed'))
    this.s3.destroy()
  }
}

const clientConfig = (
  { endpoint, secure, timeout }: S3Options,
  region: string,
  credentials: NonNullable<S3ClientConfig['credentials']>,
): S3ClientConfig => {
  const agent = { keepAlive: true, maxSockets: mostSockets }
  return {
    region,
    credentials,
    // Amazon's hosts follow from the region; other stores know buckets as paths, without a name in DNS for each.
    ...((!endpoint.amazon || !secure) && {
      endpoint: `${secure ? 'https' : 'http'}://${endpoint.host}`,
      forcePathStyle: true,
    }),
    ignoreConfiguredEndpointUrls: true,
    // Most stores besides Amazon's do not know the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: attempts,
    retryMode: 'standard',
    // With it the SDK opens a connection for each larger object.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: Math.min(timeout, 10_000),
      socketTimeout: timeout,
      requestTimeout: timeout * 10,
      throwOnRequestTimeout: true,
      httpAgent: agent,
      httpsAgent: agent,
    },
  }
}
