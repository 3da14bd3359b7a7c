import { role } from '../role.ts'

/** Maps a key to its values: aliases, credentials, routing. */
export interface Table {
  /** Every value of `key`, in order; none when it is unknown. Throws when the answer cannot be had now. */
  lookup(key: string): Promise<readonly string[]>
}

export const Table = role<Table>('table')

/** A table that may have several values for a key, as rewriting of addresses needs. */
export interface MultiTable extends Table {}

export const MultiTable = role<MultiTable>('multi_table', 'table')

/** A table that can be edited, as account management needs. */
export interface MutableTable extends Table {
  keys(): Promise<readonly string[]>
  /** Inserts, unless the key is there: false then. Of several that do so at once with one key, only one inserts. */
  add?(key: string, value: string): Promise<boolean>
  /** Inserts or overwrites. */
  set(key: string, value: string): Promise<void>
  /** An absent key is no error. */
  delete(key: string): Promise<void>
}

export const MutableTable = role<MutableTable>('mutable_table', 'table')
