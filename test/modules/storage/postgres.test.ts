import { after } from 'node:test'
import { postgres } from '../../support/postgres.ts'
import { postgresSchemas, runOn } from './databases.ts'

/** What storages do, on PostgreSQL: the tests of these files once more. */
const server = await postgres()
after(() => server[Symbol.asyncDispose]())
runOn(postgresSchemas(server, { reuse: true }))

for (const file of ['accounts', 'counters', 'delivery', 'mailboxes', 'messages', 'quota'])
  await import(`./${file}.test.ts`)
