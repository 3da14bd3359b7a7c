import assert from 'node:assert/strict'
import { test } from 'node:test'
import { folder, ServerProcess, tsmaddy } from '../support/process.ts'

const conf = `
  state_dir state
  runtime_dir run
  hostname mx.example.org
  tls off
  auth.pass_table local_authdb {
    table sql_table {
      driver sqlite3
      dsn credentials.db
      table_name passwords
    }
  }
  storage.imapsql local_mailboxes {
    driver sqlite3
    dsn imapsql.db
  }
  imap tcp://127.0.0.1:0 {
    auth &local_authdb
    storage &local_mailboxes
  }
`
const args = ['start', '-config', 'tsmaddy.conf']

test('the first start makes an account and shows its password on standard output alone; the next one does not', async () => {
  await using place = await folder({ 'tsmaddy.conf': conf })
  await using first = await ServerProcess.start(place.path, { args })
  const [, password = ''] =
    /^ {2}address {3}user@mx\.example\.org\n {2}password {2}(\S{12,})$/m.exec(first.stdout()) ?? []
  assert.notEqual(password, '')
  assert.ok(!first.stderr().includes(password))
  await using client = await first.dial()
  await client.next()
  client.send(`a LOGIN user@mx.example.org ${password}`)
  assert.match((await client.next()) ?? '', /^a OK/)
  client.socket.destroy()
  first.signal('SIGTERM')
  assert.equal(await first.ended(), 0)
  await using second = await ServerProcess.start(place.path, { args })
  assert.equal(second.stdout(), '')
})

test('a server that runs is no obstacle to commands, which reach the same store', async () => {
  await using place = await folder({ 'tsmaddy.conf': conf })
  await using running = await ServerProcess.start(place.path, { args })
  const manage = (...words: string[]) => tsmaddy(['-config', 'tsmaddy.conf', ...words], { cwd: place.path })
  assert.equal((await manage('creds', 'create', '-p', 'secret', 'b@example.org')).status, 0)
  await using client = await running.dial()
  await client.next()
  client.send('a LOGIN b@example.org secret')
  assert.match((await client.next()) ?? '', /^a OK/)
})
