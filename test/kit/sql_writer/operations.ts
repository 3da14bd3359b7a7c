import type { Statements } from '../../../core/kit/sql/writer/index.ts'

export const setUp = async (db: Statements): Promise<void> => {
  await db.query('CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT UNIQUE)')
}

/** Resolves to the number of transactions so far, as far as this operation can tell: equal for those who share one. */
export const add = async (
  db: Statements,
  { text }: { text: string },
  emit: (event: string) => void,
): Promise<number> => {
  const [row] = await db.query<[number]>('INSERT INTO t (text) VALUES ($1) RETURNING id', [text])
  emit(text)
  return row?.[0] ?? 0
}

export const addAndFail = async (db: Statements, { text }: { text: string }, emit: (event: string) => void) => {
  await add(db, { text }, emit)
  throw Object.assign(new Error('changed my mind'), { name: 'Refusal', kind: 'name' })
}

export const sizeOf = async (_db: Statements, { bytes }: { bytes: Uint8Array }): Promise<number> => bytes.length

export const fill = async (db: Statements, { bytes }: { bytes: number }): Promise<void> => {
  await db.query('INSERT INTO t (text) VALUES (hex(randomblob($1)))', [bytes])
}

export const twice = async (db: Statements, { value }: { value: string }) =>
  db.query<[string, string, string]>('SELECT $2, $1, $2', ['first', value])

/** What no operation should do: it takes the thread with it. */
export const crash = async (): Promise<void> => {
  process.exit(7)
}
