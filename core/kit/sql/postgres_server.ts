import type { ClientConfig } from 'pg'
import pg from 'pg'
import type { ConnectOptions } from './database.ts'
import { postgresOptions } from './postgres_options.ts'
import { postgresTypes } from './postgres_types.ts'

/** A server that has answered once, with TLS or without, as the DSN has it. */
export interface PostgresServer {
  /** For messages; has no password in it. */
  readonly place: string
  /** For `pg.Client` and `pg.Pool`. */
  readonly config: ClientConfig
}

/** Finds out how a server is to be reached. Throws what is wrong with the DSN, or why the server cannot be had. */
export const findPostgres = async (
  dsn: string,
  options: Pick<ConnectOptions, 'path' | 'env'>,
): Promise<PostgresServer> => {
  const { place, shared, attempts } = await postgresOptions(dsn, options)
  let failure: unknown
  for (const ssl of attempts) {
    const config = { ...shared, ssl, types: postgresTypes }
    try {
      const client = await connectClient(config)
      await client.end()
      return { place, config }
    } catch (error) {
      failure ??= error
    }
  }
  throw new Error(`cannot connect to PostgreSQL at ${place}: ${reason(failure)}`, { cause: failure })
}

/** A connection of its own, whose loss ends no process: the query under way and all after it throw. */
export const connectClient = async (config: ClientConfig): Promise<pg.Client> => {
  const client = new pg.Client(config)
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}

/** A host with several addresses gives an error for each of them, under one that says nothing. */
const reason = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reason).join('; ')
  return error instanceof Error ? error.message : String(error)
}
