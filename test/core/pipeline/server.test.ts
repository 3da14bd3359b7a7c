import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { serve } from '../../support/server.ts'
import { dial } from '../../support/wire.ts'

const smtp = (lines: string) =>
  `smtp tcp://127.0.0.1:0 {\nhostname mx.example.org\ntls off\ndefer_sender_reject no\n${lines}\n}`

const greeted = async (port: number) => {
  const client = await dial(port)
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  return client
}

/** A table that fails at every question. */
const broken = 'table.sql_query broken {\ndriver sqlite3\ndsn :memory:\nlookup "SELECT NULL WHERE $1 = $1"\n}'

test('a recipient whose table cannot answer is to be tried again, and goes no other way', async () => {
  const conf = smtp(`
    destination_in &broken {
      deliver_to dummy
    }
    destination a.example {
      deliver_to dummy
    }
    default_destination {
      reject 550 5.1.1 "No such user"
    }`)
  await using server = await serve(`${conf}\n${broken}`)
  await using client = await greeted(server.port('smtp'))
  await client.command('MAIL FROM:<s@s.example>', '250 *')
  await client.command('RCPT TO:<u@a.example>', '451 4.3.0 Internal server error (msg ID = *)')
  await client.command('RCPT TO:<u@b.example>', '451 4.3.0 Internal server error (msg ID = *)')
  assert.match(await server.log(), /RCPT error.*NULL/)
})

test('a sender whose table cannot answer is to be tried again, and goes no other way', async () => {
  await using server = await serve(`${smtp('source_in &broken {\nreject\n}\ndeliver_to dummy')}\n${broken}`)
  await using client = await greeted(server.port('smtp'))
  await client.command('MAIL FROM:<s@s.example>', '451 4.3.0 Internal server error (msg ID = *)')
  assert.match(await server.log(), /MAIL FROM error.*NULL/)
})

test('reject in a source is for its recipients, not for MAIL', async () => {
  const conf = smtp(`
    source s.example {
      reject 550 5.7.1 "Not from you"
    }
    default_source {
      deliver_to dummy
    }`)
  await using server = await serve(conf)
  await using client = await greeted(server.port('smtp'))
  await client.command('MAIL FROM:<s@s.example>', '250 *')
  await client.command('RCPT TO:<u@a.example>', '550 5.7.1 Not from you (msg ID = *)')
  await client.command('MAIL FROM:<s@other.example>', '250 *')
  await client.command('RCPT TO:<u@a.example>', '250 *')
})

test('a value of a table does not matter for a way, nor that it is empty', async () => {
  const conf = `
    table.static senders {
      entry "" ""
      entry s@s.example ""
    }
    ${smtp('source_in &senders {\nreject 550 5.7.1 "Known"\n}\ndeliver_to dummy')}`
  await using server = await serve(conf)
  await using client = await greeted(server.port('smtp'))
  for (const [from, reply] of [
    ['s@S.example', '550 5.7.1 Known *'],
    ['', '550 5.7.1 Known *'],
    ['t@s.example', '250 *'],
  ]) {
    await client.command(`MAIL FROM:<${from}>`, '250 *')
    await client.command('RCPT TO:<u@a.example>', reply ?? '')
  }
})

test('a check of a group in two blocks is one for client and recipients, and looks at the content for each block', async () => {
  const program = (stage: string) => `command /bin/sh -c "echo ${stage} >>seen" {\nrun_on ${stage}\n}`
  const conf = `
    checks shared {
      ${['conn', 'sender', 'rcpt', 'body'].map(program).join('\n')}
    }
    ${smtp(`
      check &shared
      destination a.example {
        check &shared
        deliver_to dummy
      }
      default_destination {
        reject
      }`)}`
  await using server = await serve(conf)
  await using client = await greeted(server.port('smtp'))
  await client.command('MAIL FROM:<s@s.example>', '250 *')
  await client.command('RCPT TO:<u@a.example>', '250 *')
  await client.command('RCPT TO:<u@a.example>', '250 *')
  await client.command('DATA', '354 *')
  await client.command('X: y\r\n\r\n.', '250 *')
  const seen = await readFile(join(server.directory, 'seen'), 'utf8')
  assert.deepEqual(seen.split('\n'), ['conn', 'sender', 'rcpt', 'body', 'body', ''])
})
