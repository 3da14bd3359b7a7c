import {
  BlobStore,
  BlobsInside,
  ConfigError,
  custom,
  Directive,
  ImapFilter,
  size,
  useAll,
} from '../../../core/index.ts'
import type { Algorithm } from '../../../core/kit/compression/index.ts'
import type { Compression } from './bodies/bodies.ts'

/** The driver of a database and its DSN, as they are written after the module's name. */
export interface InlineDatabase {
  readonly driver: string
  readonly dsn: string
}

export const inlineDatabase = () =>
  custom(
    { args: 'custom: the driver and the parts of the DSN', usage: '[DRIVER DSN…]' },
    ([driver, ...dsn]): InlineDatabase => {
      if (!driver || dsn.length === 0) throw new RangeError('expected a driver and a DSN, not one word alone')
      return { driver: driver.text, dsn: dsn.map(({ text }) => text).join(' ') }
    },
  )

/** `off`, or an algorithm and how much effort it may take. */
export const compression = () =>
  custom({ args: 'custom: off | lz4 [LEVEL] | zstd [LEVEL]', usage: 'off|lz4 [LEVEL]|zstd [LEVEL]' }, (words) => {
    const [name, level, extra] = words
    if (!name) throw new RangeError('expected off, lz4 or zstd')
    if (extra || (name.text === 'off' && level)) throw new ConfigError((extra ?? level ?? name).at, 'too many words')
    if (name.text === 'off') return 'off'
    if (!isAlgorithm(name.text)) throw new RangeError(`expected off, lz4 or zstd, not ${name.text}`)
    if (level && !/^[+-]?\d{1,9}$/.test(level.text)) {
      throw new ConfigError(level.at, `the level of ${name.text} is a whole number, not ${level.text}`)
    }
    return { algorithm: name.text, level: level ? Number(level.text) : 3 } satisfies Compression
  })

const isAlgorithm = (name: string): name is Algorithm => name === 'lz4' || name === 'zstd'

/** Bytes that fit into what the database has for a limit. */
export const limit = () =>
  size().map((bytes) => {
    if (bytes > 0xff_ff_ff_ff) throw new RangeError('the largest limit there can be is 4294967295B')
    return bytes
  })

/** A store of blobs, or `sql` for the database itself. */
export const messageStore = () =>
  new Directive<BlobStore | 'sql' | undefined>(
    { args: 'module:storage.blob', usage: 'sql|&NAME|MODULE …', role: BlobStore },
    async (node, scope) => {
      const module = node.args[0]?.text
      if (module !== 'sql' && module !== 'storage.blob.sql') return scope.instance(BlobStore, node)
      await scope.instance(BlobsInside, node)
      return 'sql'
    },
  )

/** The old spelling of `msg_store fs FOLDER`. */
export const folderStore = () =>
  new Directive<BlobStore | undefined>({ args: 'string', usage: 'FOLDER' }, async (node, scope) => {
    const [folder, extra] = node.args
    if (!folder || extra) throw new ConfigError((extra ?? node.name).at, 'fsstore needs one FOLDER')
    scope.warn(node.name.at, `fsstore is an old spelling of msg_store fs ${folder.text}`)
    const fs = { text: 'fs', quoted: false, at: node.name.at }
    return scope.instance(BlobStore, { ...node, args: [fs, folder] })
  })

/** Filters in a block, or one filter, or a group of them, by name. */
export const filters = () => {
  const each = useAll(ImapFilter)
  return new Directive<ImapFilter[] | undefined>(
    { args: 'block: imap.filter modules', usage: '{ FILTER … }|&NAME|FILTER …', role: ImapFilter },
    async (node, scope) =>
      node.args.length > 0
        ? [await scope.instance(ImapFilter, node)]
        : ((await each.readOne(node, scope)) as ImapFilter[]),
  )
}
