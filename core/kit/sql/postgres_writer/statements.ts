import type { Writable } from 'node:stream'
import type { ClientBase } from 'pg'
import type { Row, SqlValue, Statement, Statements } from '../writer/statements.ts'

/**
 * Names for the texts of statements, the same on all connections, so that each text is parsed once on each. Those that are
 * asked for once only get none: a server keeps what it has parsed until the connection ends.
 */
export class StatementNames {
  readonly #names = new Map<string, string>()
  readonly #once = new Set<string>()

  /** Undefined for a text that has none, and is parsed each time. */
  of(sql: string): string | undefined {
    const known = this.#names.get(sql)
    if (known) return known
    if (this.#names.size >= most) return undefined
    if (!this.#once.delete(sql)) {
      if (this.#once.size >= most) this.#once.clear()
      this.#once.add(sql)
      return undefined
    }
    const name = `t${this.#names.size}`
    this.#names.set(sql, name)
    return name
  }
}

const most = 1000

/**
 * Has all that is written in one turn go out together: a packet for each statement costs more than most statements do.
 * The stream is where `pg` keeps it; without it each would go alone.
 */
export const gather = (client: ClientBase): void => {
  const stream = (client as { connection?: { stream?: Writable } }).connection?.stream
  if (!stream || stream.writableCorked > 0) return
  stream.cork()
  process.nextTick(() => stream.uncork()) // which is after all that can go on now has gone on
}

/** Prepared statements on one connection. Several asked for at once go over together, and are carried out in order. */
export class PostgresStatements implements Statements {
  readonly #client: ClientBase
  readonly #names: StatementNames
  readonly #timeout: { readonly query_timeout?: number }
  #last: Promise<unknown> = Promise.resolve()

  /** `longest` is how long a statement may take, in milliseconds; otherwise it is as for the connection. */
  constructor(client: ClientBase, names: StatementNames, longest?: number) {
    this.#client = client
    this.#names = names
    this.#timeout = longest === undefined ? {} : { query_timeout: longest }
  }

  query<R extends Row = Row>(sql: string, params: readonly SqlValue[] = []): Promise<R[]> {
    const name = this.#names.of(sql)
    const config = { text: sql, values: params.map(bindable), rowMode: 'array' as const, ...(name && { name }) }
    gather(this.#client)
    const done = this.#client
      .query<SqlValue[]>({ ...config, ...this.#timeout })
      .then(({ rows }) => rows as unknown as R[])
    this.#last = done.catch(() => undefined)
    return done
  }

  /** Only in a transaction, which the first that fails ends for those after it. */
  readonly batch = (statements: readonly Statement[]): Promise<Row[][]> =>
    Promise.all(statements.map(([sql, params]) => this.query(sql, params)))

  /** Resolves when nothing that was asked for is under way any more. */
  async settled(): Promise<void> {
    await this.#last
  }
}

/** PostgreSQL has no text with NUL in it; nothing that is looked for by such a text can be there. */
const bindable = (value: SqlValue): SqlValue =>
  typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value
