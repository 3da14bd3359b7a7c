import type { Row, SqlValue, Statements } from '../../../core/kit/sql/writer/index.ts'
import type { StorageEvent } from './events.ts'
import type * as operations from './operations/index.ts'

export type Operations = typeof operations

export type OperationName = Exclude<keyof Operations, 'migrate'>

/** What the storage needs of a database, whichever it is. */
export interface Engine extends AsyncDisposable, Statements {
  /**
   * Carries out an operation. Resolves once it is on stable storage and all that watch have been told. `args` may be a
   * function, called once there is room for `bytes`. Throws StorageError for what the operation refuses, WriterError for
   * an outage.
   */
  run<K extends OperationName>(
    name: K,
    args: Parameters<Operations[K]>[1] | (() => Promise<Parameters<Operations[K]>[1]>),
    bytes?: number,
  ): Promise<Awaited<ReturnType<Operations[K]>>>
  query<R extends Row = Row>(sql: string, params?: readonly SqlValue[]): Promise<R[]>
  /** Several queries on one state of the database, waiting for nothing but the database. */
  read<T>(queries: (db: Statements) => Promise<T>): Promise<T>
  /** As `read`, for many rows: the queries may let others have their turn in between. One scan waits for the other. */
  scan<T>(queries: (db: Statements) => Promise<T>): Promise<T>
}

export type OnEvent = (event: StorageEvent) => void
