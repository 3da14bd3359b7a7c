import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { MutableTable } from '../../../core/index.ts'
import { DkimKeys, Modifier } from '../../../core/index.ts'
import { generateKey, keyPem, parseKey, publicKeyOf, recordOf } from '../../../core/kit/dkim/index.ts'
import { KeyTable } from '../../../modules/modify/_dkim/key_table.ts'
import { Keyring } from '../../../modules/modify/_dkim/keyring.ts'
import { Turns } from '../../../modules/modify/_dkim/turns.ts'
import { type Line, lineLogger } from '../../support/logger.ts'
import { instance, serve } from '../../support/server.ts'
import { bytesOfMessage, modify, signature, signatures, verify } from './dkim_support.ts'

const table = 'table.sql_table domains {\ndriver sqlite3\ndsn domains.db\ntable_name domains\n}\n'

const dkim = (more = 'store_keys_in_database yes') =>
  `${table}modify.dkim signer {\ndomains a.example\nselector sel\nnewkey_algo ed25519\ndomain_table &domains\n${more}\n}`

const start = (conf = dkim(), files: Record<string, string> = {}) => instance(Modifier, conf, { name: 'signer', files })

const rows = (directory: string): Record<string, string> => {
  using db = new DatabaseSync(join(directory, 'domains.db'))
  return Object.fromEntries(
    db
      .prepare('SELECT key, value FROM domains')
      .all()
      .map(({ key, value }) => [key, value]),
  )
}

test('keys are kept in the table as JSON, and in no file', async () => {
  await using signer = await start()
  const message = await modify(signer.api, 'x@New.Example', { header: 'From: <x@new.example>\r\n' })
  const stored = rows(signer.directory)
  assert.deepEqual(Object.keys(stored).sort(), ['a.example', 'new.example'])
  const value = JSON.parse(stored['new.example'] ?? '')
  const key = await parseKey(value.privateKey)
  assert.ok(Math.abs(Date.parse(value.expires) - Date.now() - 120 * 3_600_000) < 60_000)
  assert.deepEqual(value, {
    domain: 'new.example',
    privateKey: keyPem(key),
    publicKey: publicKeyOf(key),
    dnsName: 'sel._domainkey.new.example',
    dnsValue: recordOf(key),
    expires: value.expires,
  })
  assert.ok(!(await readdir(signer.directory)).includes('dkim_keys'))
  const content = await bytesOfMessage(message)
  assert.deepEqual(await verify(content, { [value.dnsName]: value.dnsValue }), ['pass'], 'the key that is stored signs')
})

test('a key that is in the table already is the one that signs', async () => {
  const key = await generateKey('rsa2048')
  await using made = await start()
  using db = new DatabaseSync(join(made.directory, 'domains.db'))
  db.prepare('INSERT INTO domains VALUES (?, ?)').run('new.example', JSON.stringify({ privateKey: keyPem(key) }))
  const message = await modify(made.api, 'x@new.example')
  assert.deepEqual(await verify(await bytesOfMessage(message), { 'sel._domainkey.new.example': recordOf(key) }), [
    'pass',
  ])
})

test('a listed domain finds its key in the table however it is written', async () => {
  await using made = await instance(DkimKeys, dkim(), { name: 'signer' })
  const before = rows(made.directory)['a.example']
  const memory = new Memory()
  await memory.set('a.example', before ?? '')
  const store = new KeyTable({
    table: memory,
    spelling: () => 'A.Example',
    dnsName: (domain) => domain,
    expiry: 0,
    log: lineLogger(),
  })
  const key = await store.load('a.example')
  assert.ok(key)
  assert.equal(publicKeyOf(key), JSON.parse(before ?? '').publicKey)
})

test('an empty value is a domain whose key has yet to be made', async () => {
  await using made = await start()
  using db = new DatabaseSync(join(made.directory, 'domains.db'))
  db.prepare('INSERT INTO domains VALUES (?, ?)').run('new.example', '')
  assert.equal(signature(await modify(made.api, 'x@new.example')).d, 'new.example')
  assert.match(rows(made.directory)['new.example'] ?? '', /PRIVATE KEY/)
})

test('messages for a new domain that come at the same time make one key', async () => {
  for (const more of ['store_keys_in_database yes', '']) {
    await using signer = await start(dkim(more))
    const messages = await Promise.all(Array.from({ length: 10 }, () => modify(signer.api, 'x@new.example')))
    const record =
      more === ''
        ? await readFile(join(signer.directory, 'dkim_keys/new.example_sel.dns'), 'utf8')
        : JSON.parse(rows(signer.directory)['new.example'] ?? '').dnsValue
    for (const message of messages) {
      const content = await bytesOfMessage(message)
      assert.deepEqual(await verify(content, { 'sel._domainkey.new.example': record }), ['pass'])
    }
    const log = await readFile(join(signer.directory, 'log'), 'utf8')
    assert.equal(log.split('\n').filter((line) => /generated.*new\.example/.test(line)).length, 1)
  }
})

test('two signers that share a table sign with the same key', async () => {
  const one = 'dkim a.example sel {\nnewkey_algo ed25519\ndomain_table &domains\nstore_keys_in_database yes\n}\n'
  await using both = await instance(Modifier, `${table}modifiers all {\n${one}${one}}`, { name: 'all' })
  const content = await bytesOfMessage(await modify(both.api, 'x@a.example'))
  const record = JSON.parse(rows(both.directory)['a.example'] ?? '').dnsValue
  assert.deepEqual(await verify(content, { 'sel._domainkey.a.example': record }), ['pass', 'pass'])
})

test('domains of the table have their keys in files when they are not to be in the table', async () => {
  await using signer = await start(dkim(''))
  assert.equal(signature(await modify(signer.api, 'x@new.example')).d, 'new.example')
  assert.deepEqual(await readdir(join(signer.directory, 'dkim_keys')), [
    'a.example_sel.dns',
    'a.example_sel.key',
    'new.example_sel.dns',
    'new.example_sel.key',
  ])
  assert.deepEqual(rows(signer.directory), {})
})

test('every domain of the table has its key after the start', async () => {
  const server = `${dkim('')}\nsmtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls off\nmodify &signer\ndeliver_to dummy\n}`
  await using running = await serve(server)
  using db = new DatabaseSync(join(running.directory, 'domains.db'))
  db.prepare('INSERT INTO domains VALUES (?, ?), (?, ?)').run('Listed.Example', '', 'no domain', '')
  await running.reload(server)
  const names = await readdir(join(running.directory, 'dkim_keys'))
  assert.ok(names.includes('Listed.Example_sel.key'))
  assert.ok(!names.some((name) => name.startsWith('no domain')))
  assert.match(await running.log(), /no domain that mail can be signed for.*"no domain"/)
})

test('what a stranger sends as a domain never becomes part of a path', async () => {
  await using signer = await start(dkim(''))
  for (const from of [
    'x@a/b',
    'x@..',
    'x@[192.0.2.1]',
    'x@xn--a/b-',
    'x@a\\b',
    `x@${'a'.repeat(300)}`,
    'x@a;b.example',
  ]) {
    assert.deepEqual(signatures(await modify(signer.api, from)), [], from)
  }
  assert.equal((await readdir(join(signer.directory, 'dkim_keys'))).length, 2)
})

test('a value that is no key fails the message, and names the domain in the log only', async () => {
  await using made = await start()
  using db = new DatabaseSync(join(made.directory, 'domains.db'))
  db.prepare('INSERT INTO domains VALUES (?, ?), (?, ?)').run('one.example', 'hello', 'two.example', '{"privateKey":3}')
  await assert.rejects(modify(made.api, 'x@one.example'), /the DKIM key of one\.example .* not JSON/)
  await assert.rejects(modify(made.api, 'x@two.example'), /the DKIM key of two\.example .* has no privateKey/)
})

test('a key is made for a new domain on demand, once', async () => {
  await using signer = await instance(DkimKeys, dkim(), { name: 'signer' })
  await signer.api.ensure('New.Example')
  const [first] = [rows(signer.directory)['new.example']]
  assert.ok(first)
  await signer.api.ensure('new.example.')
  assert.equal(rows(signer.directory)['new.example'], first)
  await assert.rejects(signer.api.ensure('a/b'), { name: 'UserError', kind: 'invalid' })
})

test('nothing is made on demand where the configuration says which domains are signed for', async () => {
  const conf = 'modify.dkim signer {\ndomains a.example\nselector sel\nnewkey_algo ed25519\n}'
  await using signer = await instance(DkimKeys, conf)
  await signer.api.ensure('new.example')
  await signer.api.ensure('a.example')
  assert.equal((await readdir(join(signer.directory, 'dkim_keys'))).length, 2)
})

/** A table in memory that can be out of reach. */
class Memory implements MutableTable {
  readonly values = new Map<string, string>()
  down = false

  async lookup(key: string): Promise<readonly string[]> {
    if (this.down) throw new Error('the table is down')
    const value = this.values.get(key)
    return value === undefined ? [] : [value]
  }

  async keys(): Promise<readonly string[]> {
    return [...this.values.keys()]
  }

  async set(key: string, value: string): Promise<void> {
    this.values.set(key, value)
  }

  async delete(key: string): Promise<void> {
    this.values.delete(key)
  }
}

const ringOf = (memory: Memory, lines: Line[] = []): Keyring => {
  const log = lineLogger(lines)
  const store = new KeyTable({
    table: memory,
    spelling: (domain) => domain,
    dnsName: (domain) => domain,
    expiry: 0,
    log,
  })
  return new Keyring(store, new Turns(), 'ed25519', log)
}

test('a key that another process has put in the place of ours is used within a minute', async (t) => {
  t.mock.method(performance, 'now', () => now)
  let now = 0
  const memory = new Memory()
  const keys = ringOf(memory)
  await keys.get('a.example')
  const other = await generateKey('ed25519')
  await memory.set('a.example', JSON.stringify({ privateKey: keyPem(other) }))
  now = 61_000
  assert.ok((await keys.get('a.example')).privateKey.equals(other.privateKey))
})

test('a table that is down for a while keeps no known domain from signing', async (t) => {
  t.mock.method(performance, 'now', () => now)
  let now = 0
  const memory = new Memory()
  const lines: Line[] = []
  const keys = ringOf(memory, lines)
  const first = await keys.get('a.example')
  memory.down = true
  now = 61_000
  assert.ok((await keys.get('a.example')).privateKey.equals(first.privateKey))
  assert.ok(lines.some(({ event }) => event === 'DKIM key could not be read again'))
  await assert.rejects(keys.get('b.example'), /the table is down/)
})

test('only so many wait for new keys', async () => {
  const turns = new Turns()
  const gate = Promise.withResolvers<void>()
  const waiting = Array.from({ length: 100 }, () => turns.take(() => gate.promise))
  await assert.rejects(
    turns.take(async () => {}),
    { name: 'SmtpError', code: 451, enhanced: '4.3.2' },
  )
  gate.resolve()
  await Promise.all(waiting)
  await turns.take(async () => {})
})

test('a task that fails lets the next one have its turn', async () => {
  const turns = new Turns()
  await assert.rejects(
    turns.take(async () => Promise.reject(new Error('no'))),
    /no/,
  )
  assert.equal(await turns.take(async () => 'yes'), 'yes')
})
