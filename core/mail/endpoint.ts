import { role } from '../role.ts'

/** What clients connect to. Nothing in the configuration refers to an endpoint. */
export interface Endpoint {
  /** The addresses it listens on, as written. */
  readonly addresses: readonly string[]
}

export const Endpoint = role<Endpoint>('endpoint', '')
