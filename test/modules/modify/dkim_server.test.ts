import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { lenientHeader } from '../../../core/kit/message/index.ts'
import { serve, type TestServer } from '../../support/server.ts'
import { dial } from '../../support/wire.ts'
import { signature, signatures, verify } from './dkim_support.ts'

/** A folder in which the example package with a target that writes files is found. */
let packages = ''

before(async () => {
  packages = await mkdtemp(join(tmpdir(), 'tsmaddy-dkim-'))
  await mkdir(join(packages, 'node_modules'))
  const maildir = fileURLToPath(new URL('../../packages/tsmaddy-maildir', import.meta.url))
  await symlink(maildir, join(packages, 'node_modules/tsmaddy-maildir'))
})

after(() => rm(packages, { recursive: true, force: true }))

const smtp = (routing: string): string => `smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls off\n${routing}\n}`

const running = (routing: string): Promise<TestServer> => serve(smtp(routing), { nodeModules: packages })

/** Sends a message, and resolves to it as it was delivered. */
const send = async (server: TestServer, mail: string, content: string): Promise<Buffer> => {
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command(`MAIL FROM:${mail}`, '250 *')
  await client.command('RCPT TO:<b@b.example>', '250 *')
  await client.command('DATA', '354 *')
  client.send(`${content}\r\n.\r\n`)
  await client.expect('250 *')
  const folder = join(server.directory, 'mail/new')
  const [name] = await readdir(folder)
  const delivered = await readFile(join(folder, name ?? ''))
  await rm(join(folder, name ?? ''))
  return delivered
}

const parsed = (content: Buffer) => ({ header: lenientHeader(content) })

const record = (server: TestServer, domain: string): Promise<string> =>
  readFile(join(server.directory, `dkim_keys/${domain}_sel.dns`), 'utf8')

const message = 'From: <a@a.example>\r\nSubject: x\r\n\r\nHello  \r\n\r\n'

test('mail that goes through a server is signed, and what is delivered verifies', async () => {
  await using server = await running('modify {\ndkim a.example b.example sel\n}\ndeliver_to maildir mail')
  const delivered = await send(server, '<x@b.example>', message)
  assert.equal(signature(parsed(delivered)).d, 'b.example')
  const records = { 'sel._domainkey.b.example': await record(server, 'b.example') }
  assert.deepEqual(await verify(delivered, records), ['pass'])
  const [first, second] = parsed(delivered).header.fields
  assert.deepEqual([first?.name, second?.name], ['DKIM-Signature', 'Received'])
})

const ed = '{\nnewkey_algo ed25519\n}'

test('mail from elsewhere goes through unsigned', async () => {
  await using server = await running(`modify {\ndkim a.example sel ${ed}\n}\ndeliver_to maildir mail`)
  assert.deepEqual(signatures(parsed(await send(server, '<x@other.example>', message))), [])
})

test('a bounce is signed for the first domain', async () => {
  await using server = await running(`modify {\ndkim b.example a.example sel ${ed}\n}\ndeliver_to maildir mail`)
  assert.equal(signature(parsed(await send(server, '<>', message))).d, 'b.example')
})

test('mail with SMTPUTF8 is signed for the domain in U-labels, other mail in A-labels', async () => {
  await using server = await running(`modify {\ndkim bücher.example sel ${ed}\n}\ndeliver_to maildir mail`)
  const international = await send(server, '<x@bücher.example> SMTPUTF8', message)
  assert.equal(signature(parsed(international)).d, 'bücher.example')
  const plain = await send(server, '<x@xn--bcher-kva.example>', message)
  assert.equal(signature(parsed(plain)).d, 'xn--bcher-kva.example')
})

test('signers of a source and of a destination see the sender, each for its own mail', async () => {
  await using server = await running(`
    source a.example {
      modify {
        dkim a.example sel ${ed}
      }
      destination b.example {
        modify {
          dkim a.example two ${ed}
        }
        deliver_to maildir mail
      }
      default_destination {
        reject
      }
    }
    default_source {
      deliver_to maildir mail
    }`)
  const delivered = parsed(await send(server, '<x@a.example>', message))
  assert.deepEqual(
    signatures(delivered).map(({ s }) => s),
    ['two', 'sel'],
  )
  assert.deepEqual(signatures(parsed(await send(server, '<x@c.example>', message))), [])
})

test('when the keys of a table cannot be had, mail is deferred', async () => {
  const conf = `
    table.sql_table domains {
      driver sqlite3
      dsn domains.db
      table_name domains
    }
    ${smtp(`modify {
      dkim a.example sel {
        newkey_algo ed25519
        domain_table &domains
        store_keys_in_database yes
      }
    }
    deliver_to maildir mail`)}`
  await using server = await serve(conf, { nodeModules: packages })
  using db = new DatabaseSync(join(server.directory, 'domains.db'))
  db.prepare('INSERT INTO domains VALUES (?, ?)').run('broken.example', 'no key')
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<x@broken.example>', '250 *')
  await client.command('RCPT TO:<b@b.example>', '250 *')
  await client.command('DATA', '354 *')
  client.send(`${message}.\r\n`)
  await client.expect('451 4.3.0 *')
  assert.match(await server.log(), /broken\.example/)
})
