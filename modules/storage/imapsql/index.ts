import type { BlobStore, Context, Folder, Logger, SpecialUse } from '../../../core/index.ts'
import {
  Accounts,
  BlobOwner,
  ConfigError,
  defineModule,
  flag,
  integer,
  normalizer,
  Quotas,
  Storage,
  Table,
  Target,
  text,
  use,
  words,
} from '../../../core/index.ts'
import { Bodies } from './bodies/bodies.ts'
import { newLease } from './bodies/key.ts'
import { placeOfBodies } from './bodies/place.ts'
import { sweepRegularly } from './bodies/sweep.ts'
import { databaseAccess } from './database_access.ts'
import { compression, filters, folderStore, inlineDatabase, limit, messageStore } from './directives.ts'
import type { Parts } from './mailbox.ts'
import { accountNames } from './names_map.ts'
import type { SharedCore } from './shared_core.ts'
import { SqlStorage } from './storage.ts'

export default defineModule({
  name: 'storage.imapsql',
  aliases: ['target.imapsql'],
  doc: 'Mailboxes in an SQL database: what IMAP shows, where mail is delivered, and a table of the accounts there are.',
  provides: [Storage, Accounts, BlobOwner, Quotas, Target, Table],
  kept: true,
  inline: inlineDatabase(),
  config: {
    driver: text('sqlite3|postgres').doc('The kind of database. Wins over the one given inline.'),
    dsn: words('DSN…').doc(
      'Where the database is: the path of a file, or for PostgreSQL `host=… dbname=…` or a postgres:// URL. Wins over the one given inline.',
    ),
    msg_store: messageStore()
      .default('fs messages')
      .doc('Where message bodies are kept; `sql` is the database itself, in the transaction that adds the message.'),
    fsstore: folderStore().many().doc('An old spelling of msg_store fs FOLDER.'),
    compression: compression().default('off').doc('How bodies that are stored from now on are compressed.'),
    appendlimit: limit()
      .default('32M')
      .doc('The largest message that a client may add; mail that is delivered may be larger.'),
    debug: flag().inherit().default('no').doc('Verbose log.'),
    junk_mailbox: text('NAME')
      .default('Junk')
      .doc('Where quarantined mail goes when no mailbox has the attribute \\Junk.'),
    sent_mailbox: text('NAME').default('Sent').doc('The mailbox for sent mail that new accounts get.'),
    trash_mailbox: text('NAME').default('Trash').doc('The mailbox for deleted mail that new accounts get.'),
    drafts_mailbox: text('NAME').default('Drafts').doc('The mailbox for drafts that new accounts get.'),
    archive_mailbox: text('NAME').default('Archive').doc('The mailbox for kept mail that new accounts get.'),
    disable_recent: flag().default('yes').doc('New messages stay \\Recent for every session, which is cheaper.'),
    sqlite3_cache_size: integer()
      .default('0')
      .doc('As in PRAGMA cache_size of SQLite: pages, or KiB when negative; 0 leaves it to SQLite.'),
    sqlite_cache_size: integer().doc('Another spelling of sqlite3_cache_size, which it goes before.'),
    sqlite3_busy_timeout: integer(-1, 2 ** 31 - 1)
      .default('5000')
      .doc('How long another process may lock the database; milliseconds, -1 for not at all.'),
    sqlite_busy_timeout: integer(-1, 2 ** 31 - 1).doc(
      'Another spelling of sqlite3_busy_timeout, which it goes before.',
    ),
    imap_filter: filters().doc('Who decides in which mailbox a message is put.'),
    delivery_map: use(Table).doc('Maps recipients to accounts; recipients without an entry are refused.'),
    delivery_normalize: normalizer()
      .default('precis_casefold_email')
      .doc('What is done to a recipient before it is mapped.'),
    auth_map: use(Table).doc('Deprecated: use storage_map of the imap endpoint. Maps login names to accounts.'),
    auth_normalize: normalizer().default('auto').doc('Deprecated: use storage_map_normalize of the imap endpoint.'),
  },
  create(config, context) {
    const { driver, dsn } = database(config, context)
    const { log } = context
    const access = databaseAccess(driver, dsn, sqlite(config), context)
    const open = async (held: AsyncDisposableStack): Promise<Parts> => {
      if (config.auth_map || config.auth_normalize !== 'auto') {
        log.info('auth_map and auth_normalize are deprecated, use storage_map of the imap endpoint instead')
      }
      const core = await context.shared(held, access.key, () => access.open())
      const store = config.fsstore.at(-1) ?? config.msg_store
      const { changes, engine } = core
      const bodies = await openBodies(held, core, { store: store === 'sql' ? null : store, config, log })
      return { engine, changes, bodies, log, recentForAll: config.disable_recent, appendLimit: config.appendlimit }
    }
    return new SqlStorage({
      open,
      inspect: () => access.inspect(),
      preview: () => access.preview(),
      accountOf: accountNames(config.delivery_normalize, config.delivery_map),
      accountOfLogin: accountNames(config.auth_normalize, config.auth_map),
      filters: config.imap_filter ?? [],
      junkMailbox: config.junk_mailbox,
      specialFolders: specialFolders(config),
      log,
    })
  },
})

type Given = { readonly driver?: string | undefined; readonly dsn?: readonly string[] | undefined }

const database = (
  { driver, dsn, inline }: Given & { readonly inline?: { driver: string; dsn: string } | undefined },
  { at }: Context,
): { driver: string; dsn: string } => {
  const found = { driver: driver ?? inline?.driver, dsn: dsn?.join(' ') ?? inline?.dsn }
  if (!found.driver) throw new ConfigError(at, 'storage.imapsql needs driver sqlite3 or driver postgres')
  if (!found.dsn) throw new ConfigError(at, 'storage.imapsql needs dsn DSN…')
  return { driver: found.driver, dsn: found.dsn }
}

interface SqliteSettings {
  readonly sqlite_cache_size: number | undefined
  readonly sqlite3_cache_size: number
  readonly sqlite_busy_timeout: number | undefined
  readonly sqlite3_busy_timeout: number
}

const sqlite = (settings: SqliteSettings): { cacheSize: number; busyTimeout: number } => {
  const written = settings.sqlite_busy_timeout ?? settings.sqlite3_busy_timeout
  // maddy's ways of saying "not at all" and "almost for ever"
  const busyTimeout = written === -1 ? 0 : written === 0 ? 500_000 : written
  return { busyTimeout, cacheSize: settings.sqlite_cache_size ?? settings.sqlite3_cache_size }
}

const openBodies = async (
  held: AsyncDisposableStack,
  { engine }: SharedCore,
  {
    store,
    config,
    log,
  }: {
    store: BlobStore | null
    config: { readonly compression: 'off' | { algorithm: 'lz4' | 'zstd'; level: number } }
    log: Logger
  },
): Promise<Bodies> => {
  await placeOfBodies(engine, store)
  const lease = newLease()
  // Before the first body is written under it.
  if (store) await engine.run('renewLease', { lease: lease.id, now: Date.now() })
  held.use(sweepRegularly(engine, store, lease, log))
  return new Bodies(engine, store, {
    compression: config.compression === 'off' ? undefined : config.compression,
    lease,
    log,
  })
}

const specialFolders = (names: {
  readonly sent_mailbox: string
  readonly trash_mailbox: string
  readonly junk_mailbox: string
  readonly drafts_mailbox: string
  readonly archive_mailbox: string
}): readonly Folder[] => {
  const folder = (name: string, specialUse: SpecialUse): Folder => ({ name, specialUse })
  return [
    folder(names.sent_mailbox, '\\Sent'),
    folder(names.trash_mailbox, '\\Trash'),
    folder(names.junk_mailbox, '\\Junk'),
    folder(names.drafts_mailbox, '\\Drafts'),
    folder(names.archive_mailbox, '\\Archive'),
  ]
}
