import type Koa from 'koa'
import type { Client } from './client.ts'

/** What is known of a request besides what Koa knows. */
export interface RequestState {
  requestId: string
  client: Client
  /** Aborts when the client has gone. */
  signal: AbortSignal
}

export type RequestContext = Koa.ParameterizedContext<RequestState>
export type Middleware = Koa.Middleware<RequestState>
