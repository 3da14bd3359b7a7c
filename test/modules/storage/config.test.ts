import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accounts, Storage, Table, Target } from '../../../core/index.ts'
import { instance } from '../../support/server.ts'
import { account, open } from './support.ts'

const refused = async (conf: string, message: RegExp): Promise<void> => {
  await assert.rejects(async () => {
    await using _made = await instance(Accounts, conf, { name: 'local' })
  }, message)
}

const block = (...lines: string[]): string => `storage.imapsql local {\n${lines.join('\n')}\n}`
const whole = (...lines: string[]): string => block('driver sqlite3', 'dsn imapsql.db', 'msg_store sql', ...lines)

test('a block without a DSN is refused, and the directive named', () => refused(block('driver sqlite3'), /needs dsn/))

test('a block without a driver is refused, and the directive named', () => refused(block('dsn x.db'), /needs driver/))

test('an unknown driver is refused', () => refused(block('driver oracle', 'dsn x'), /no driver oracle/))

test('a database in memory is refused', () =>
  refused(block('driver sqlite3', 'dsn :memory:'), /cannot be kept in memory/))

test('a driver alone, in place, is refused', () =>
  refused('msgpipeline local {\n hostname mx.example\n deliver_to imapsql sqlite3\n}', /a driver and a DSN/))

for (const [written, message] of [
  ['compression foo', /expected off, lz4 or zstd, not foo/],
  ['compression zstd fast', /level of zstd is a whole number, not fast/],
  ['compression zstd 3 4', /too many words/],
  ['compression off 1', /too many words/],
  ['appendlimit 4096M', /4294967295B/],
  ['appendlimit 5G', /4294967295B/],
  ['delivery_normalize upper', /expected auto/],
  ['auth_normalize upper', /expected auto/],
  ['sqlite3_busy_timeout -2', /of at least|from -1/],
  ['msg_store nothing', /no module is called storage.blob.nothing/],
  ['msg_store sql extra', /storage.blob.sql takes no words after its name, such as extra/],
  ['msg_store sql {\nroot x\n}', /sql has no directive root/],
] as const) {
  test(`${written} is refused`, () =>
    refused(
      block('driver sqlite3', 'dsn x.db', ...(written.startsWith('msg_store') ? [] : ['msg_store sql']), written),
      message,
    ))
}

test('several sizes of appendlimit are added up', async () => {
  await using made = await open('msg_store sql\nappendlimit 1M 512K')
  await made.storage.create('a', [])
  assert.equal(await (await account(made.storage, 'a')).appendLimit(), 1572864)
})

test('both spellings of the SQLite directives are taken', async () => {
  for (const prefix of ['sqlite', 'sqlite3']) {
    await using made = await open(`msg_store sql\n${prefix}_cache_size -4000\n${prefix}_busy_timeout 0`)
    await made.storage.create('a', [])
  }
})

test('the DSN may be a URI with the options of a Go driver, and several words', async () => {
  await using made = await instance(
    Accounts,
    block('driver sqlite3', 'dsn "file:my mail.db?_busy_timeout=7"', 'msg_store sql'),
    { name: 'local' },
  )
  await made.api.create('a', [])
  assert.deepEqual(await made.api.list(), ['a'])
})

test('the folders of a new account are named as the configuration says', async () => {
  await using made = await open('msg_store sql\nsent_mailbox Gesendet\njunk_mailbox Spam')
  assert.deepEqual(made.storage.specialFolders, [
    { name: 'Gesendet', specialUse: '\\Sent' },
    { name: 'Trash', specialUse: '\\Trash' },
    { name: 'Spam', specialUse: '\\Junk' },
    { name: 'Drafts', specialUse: '\\Drafts' },
    { name: 'Archive', specialUse: '\\Archive' },
  ])
})

test('one block is storage, target and table, and target.imapsql is another name for it', async () => {
  for (const role of [Storage, Target, Table]) {
    await using made = await instance<unknown>(role, whole().replace('storage.', 'target.'), { name: 'local' })
    assert.ok(made.api)
  }
})
