import { Table } from '../../../core/index.ts'
import { instance } from '../../support/server.ts'

/** What the only table in a configuration has for a key. */
export const lookup = async (conf: string, key: string): Promise<readonly string[]> => {
  await using table = await instance(Table, conf)
  return await table.api.lookup(key)
}

/** The same for a table defined in place, which is the only way some of them can be. */
export const inPlace = (written: string, key: string): Promise<readonly string[]> =>
  lookup(`table.chain t {\n  step ${written}\n}`, key)

/** What `assert.rejects` expects of a configuration that is refused. */
export const refused = (reason: RegExp) => ({ name: 'ConfigError', message: reason })
