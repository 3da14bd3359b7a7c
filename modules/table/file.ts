import { ConfigError, defineModule, flag, MultiTable, Table, text, words } from '../../core/index.ts'
import { EntryFile } from './_file.ts'

/** How often the file is looked at, in milliseconds. */
const interval = 15_000

export default defineModule({
  name: 'table.file',
  doc: 'A text file with lines `key: value, value`, read again when it has changed.',
  provides: [Table, MultiTable],
  kept: false, // a reload is to read the file at once
  config: {
    file: text('PATH').doc('The file; a relative path is taken from the state directory. It need not exist yet.'),
    debug: flag().inherit().default('no').doc('Logs each reading of the file.'),
  },
  inline: words('PATH', 0),
  create({ inline: [given, extra] = [], file }, { at, log, path }) {
    if (extra !== undefined) throw new ConfigError(at, `a table in a file takes one path, not ${extra} as well`)
    if (given !== undefined && file !== undefined) {
      throw new ConfigError(at, 'the path is given twice: after the name of the table, and as file')
    }
    const written = given ?? file
    if (written === undefined || written === '') return { lookup: async () => [] }
    const entries = new EntryFile(path(written), log)
    return {
      inspect: () => entries.inspect(),
      async start(held) {
        await entries.load()
        const timer = setInterval(() => entries.refresh(), interval).unref()
        held.defer(() => clearInterval(timer))
      },
      lookup: async (key) => entries.get(key),
    }
  },
})
