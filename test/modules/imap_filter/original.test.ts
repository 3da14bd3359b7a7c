import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { Accounts } from '../../../core/index.ts'
import { serve } from '../../support/server.ts'
import { dial } from '../../support/wire.ts'
import { script } from '../check/mail_server.ts'

test('a filter is told the recipient as the client gave it, and what rewriting made of it', async () => {
  await using program = await script('echo "$1 $2" > "$0.out"')
  await using server = await serve(`
    hostname mx.test
    tls off
    storage.imapsql local {
      driver sqlite3
      dsn mail.db
      msg_store sql
      imap_filter {
        command ${program.file} {rcpt_to} {original_rcpt_to}
      }
    }
    msgpipeline inner {
      modify {
        replace_rcpt static {
          entry c@to.example b@to.example
        }
      }
      deliver_to &local
    }
    smtp tcp://127.0.0.1:0 {
      modify {
        replace_rcpt static {
          entry alias@to.example c@to.example
        }
      }
      deliver_to &inner
    }`)
  await (await server.find('local', Accounts)).create('b@to.example', [])
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<a@from.example>', '250 *')
  await client.command('RCPT TO:<Alias@to.example>', '250 *')
  await client.command('DATA', '354 *')
  await client.command('Subject: x\r\n\r\nhello\r\n.', '250 *')
  assert.equal(await readFile(`${program.file}.out`, 'utf8'), 'b@to.example Alias@to.example\n')
})
