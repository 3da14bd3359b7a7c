import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Table } from '../../../core/index.ts'
import { instance } from '../../support/server.ts'
import { lookup } from './lookup.ts'

const chain = (...steps: string[]) => `table.chain t {\n${steps.join('\n')}\n}`
const entries = (...each: string[]) => `static {\n${each.map((entry) => `entry ${entry}`).join('\n')}\n}`

test('a chain without steps finds the key itself', async () => {
  assert.deepEqual(await lookup(chain(), 'a'), ['a'])
})

test('what one table finds is looked up in the next', async () => {
  const conf = chain('step email_localpart', 'step email_with_domain y.example')
  assert.deepEqual(await lookup(conf, 'any@x.example'), ['any@y.example'])
})

test('every value is looked up, and what is found follows in order', async () => {
  const conf = chain(`step ${entries('a b c')}`, `step ${entries('c 3', 'b 1 2')}`)
  assert.deepEqual(await lookup(conf, 'a'), ['1', '2', '3'])
})

test('one value that a step does not know makes the key unknown', async () => {
  const conf = chain(`step ${entries('a b c')}`, `step ${entries('b d')}`)
  assert.deepEqual(await lookup(conf, 'a'), [])
})

test('one value that an optional step does not know leaves all of them as they were', async () => {
  const conf = chain(`step ${entries('a b c')}`, `optional_step ${entries('b d')}`)
  assert.deepEqual(await lookup(conf, 'a'), ['b', 'c'])
})

test('steps and optional steps are taken in the order in which they are written', async () => {
  const conf = chain(`optional_step ${entries('a b')}`, `step ${entries('b c')}`, `optional_step ${entries('c d')}`)
  assert.deepEqual(await lookup(conf, 'a'), ['d'])
})

test('steps that come out of snippets keep their place among the others', async () => {
  const conf = `
    (late) {
      step static {
        entry c d
      }
    }
    table.chain t {
      step static {
        entry a b
      }
      optional_step static {
        entry b c
      }
      import late
      optional_step static {
        entry d e
      }
    }`
  assert.deepEqual(await lookup(conf, 'a'), ['e'])
})

test('an error in an optional step is an error', async () => {
  const conf = chain(
    'optional_step sql_query {\ndriver sqlite3\ndsn :memory:\nlookup "SELECT NULL WHERE $1 IS NOT NULL"\n}',
  )
  await assert.rejects(lookup(conf, 'a'), /NULL/)
})

test('two chains that refer to one table meet the same instance', async () => {
  const conf = `
    table.sql_table shared {
      driver sqlite3
      dsn :memory:
      table_name t
    }
    table.chain one {
      step &shared
    }
    table.chain two {
      step &shared
      step &one
    }`
  await using two = await instance(Table, conf, { name: 'two' })
  assert.deepEqual(await two.api.lookup('a'), [])
})
