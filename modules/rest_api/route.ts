import type { Context, Logger, Quotas } from '../../core/index.ts'
import type { Author } from './audit.ts'
import type { Provisioning, Stores } from './provisioning.ts'
import type { Schema, SchemaName } from './schemas.ts'

/** What handlers work with. */
export interface Services extends Stores {
  readonly provisioning: Provisioning
  /** Undefined when the storage has none. */
  readonly quotas: Quotas | undefined
  readonly counters: Context['counters']
  readonly version: string
  readonly log: Logger
  /** Notes a change for the record. */
  changed(what: string, fields: Readonly<Record<string, unknown>>, author: Author): void
  /** The OpenAPI document. */
  readonly document: unknown
}

/** What a handler is told of a request. */
export interface ApiRequest {
  /** Of the path, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Has passed the schema; integers beyond those of a number are bigints. */
  readonly body: unknown
  readonly author: Author
}

export interface Answer {
  readonly status: number
  /** Without it, the answer has no body. */
  readonly json?: unknown
}

export interface Parameter {
  readonly name: string
  readonly description: string
  readonly schema: Schema
}

/** One operation: what it is called by, what it takes and gives, and what it does. */
export interface Route {
  readonly operationId: string
  readonly method: 'get' | 'post' | 'put' | 'delete'
  /** In the form of the router: `/v1/users/:id`. */
  readonly path: string
  readonly summary: string
  readonly description?: string
  /** Needs no login. */
  readonly public?: boolean
  readonly query?: readonly Parameter[]
  readonly body?: SchemaName
  /** By status: what is answered; undefined without a body. */
  readonly success: Readonly<Record<number, { readonly description: string; readonly schema?: Schema }>>
  /** The statuses of refusals, besides those that any request can meet. */
  readonly errors: readonly number[]
  handle(request: ApiRequest, services: Services): Promise<Answer>
}

export const schemaOf = (name: SchemaName): Schema => ({ $ref: `#/components/schemas/${name}` })

/** The value of a parameter of the path. */
export const param = ({ params }: ApiRequest, name: string): string => params[name] ?? ''
