import type { SqlValue, Statements } from './statements.ts'

/**
 * One unit of writing: it succeeds or leaves nothing behind. It runs inside a transaction that it may share with others,
 * may be run again after a conflict, and must therefore touch nothing but the database. What it gives to `emit` is told
 * to the owner of the writer once it is on stable storage, before its promise resolves.
 */
export type Operation = (db: Statements, args: never, emit: (event: unknown) => void) => Promise<unknown>

/** A module of operations: its exports. */
export type Operations = Readonly<Record<string, Operation>>

/** What the worker is started with. */
export interface WorkerOptions {
  readonly file: string
  /** URL of the module whose exports are the operations. */
  readonly operations: string
  /** How long to wait for another process that writes, in milliseconds. */
  readonly busyTimeout: number
  /** Settings for the writing connection, after those of the writer itself. */
  readonly pragmas: Readonly<Record<string, string | number>>
  /** Operations that may share a transaction, and the bytes these may weigh together. */
  readonly groupOperations: number
  readonly groupBytes: number
}

export interface Request {
  readonly id: number
  readonly name: string
  readonly args: unknown
  /** About how much it weighs. */
  readonly bytes: number
}

/** An error on its way between threads: a clone would lose its class and its fields. */
export interface Failure {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  readonly fields: Readonly<Record<string, SqlValue | boolean | undefined>>
}

export type Reply =
  | { readonly id: number; readonly value: unknown; readonly events: readonly unknown[] }
  | { readonly id: number; readonly failure: Failure }

/** From the worker: it is ready, or what one transaction came to, in the order of its operations. */
export type Report = { readonly ready: true } | { readonly replies: readonly Reply[] }

/** To the worker: an operation, or the wish that it end once it has done what it was asked before. */
export type Order = Request | { readonly close: true }
