import pg from 'pg'
import { toFailure, WriterError } from '../writer/errors.ts'

/** The SQLSTATE of an error of the server; empty for any other. */
export const sqlState = (error: unknown): string => (error instanceof pg.DatabaseError ? (error.code ?? '') : '')

/**
 * True when the connection is of no use any more, or leads to a server that takes no writes, and the same may succeed on
 * another one: it broke, the server is being stopped or started, is full, or has become a standby.
 */
export const isLost = (error: unknown): boolean => {
  if (error instanceof pg.DatabaseError) return /^(08...|57P0[1-5]|25P0[34]|53300|25006)$/.test(error.code ?? '')
  if (!(error instanceof Error)) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return /^(E[A-Z]+|ERR_(SSL|TLS|STREAM|SOCKET).*)$/.test(code) || (error.name === 'Error' && gone.test(error.message))
}

/** How `pg` says that a connection is gone, or cannot be had. */
const gone = /^(Connection terminated|Client (has encountered a connection|was closed)|Query read timeout|timeout e)/

/** True when others were in the way, and the whole transaction may succeed when it is tried again. */
export const isConflict = (error: unknown): boolean => /^(40...|55P03)$/.test(sqlState(error))

const kinds: readonly (readonly [RegExp, WriterError['kind']])[] = [
  [/^(40...|55P03|57014)$/, 'busy'],
  [/^(53100|53200)$/, 'full'],
  [/^23/, 'conflict'],
]

/** What an operation that left nothing behind is told to have failed with. */
export const writerError = (error: unknown): WriterError => {
  if (error instanceof WriterError) return error
  const state = sqlState(error)
  const [, kind = 'refused'] = kinds.find(([pattern]) => pattern.test(state)) ?? []
  const failure = toFailure(error)
  return new WriterError(isLost(error) ? 'unavailable' : kind, failure.message, {
    cause: error,
    thrown: { name: failure.name, fields: failure.fields },
  })
}
