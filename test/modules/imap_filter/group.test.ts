import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accounts, ImapFilter } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { instance } from '../../support/server.ts'
import { envelope, simple } from '../storage/support.ts'

const input = () => ({
  envelope: envelope(),
  account: 'b@x.org',
  recipient: parseAddress('b@x.org'),
  original: parseAddress('b@x.org'),
  message: simple(),
})

test('in a group the first folder named decides, all flags count, and a filter that fails is passed over', async () => {
  const conf = `imap_filters group {
    command sh -c "echo; echo a"
    command sh -c "exit 1"
    command sh -c "echo Work; echo b"
    command sh -c "echo Other"
  }`
  await using made = await instance(ImapFilter, conf)
  assert.deepEqual(await made.api.filter(input()), { folder: 'Work', flags: ['a', 'b'] })
})

test('a group is used by its name, and may stand in a group', async () => {
  const conf = `storage.imapsql local {
    driver sqlite3
    dsn mail.db
    msg_store sql
    imap_filter &outer
  }
  imap_filters outer {
    imap_filters {
      command sh -c "echo Inner"
    }
  }`
  await using storage = await instance(Accounts, conf, { name: 'local' })
  assert.ok(storage.api)
  await using outer = await instance(ImapFilter, conf, { name: 'outer' })
  assert.equal((await outer.api.filter(input())).folder, 'Inner')
})

test('what is no filter cannot stand in a group, and every mistake is told', async () => {
  const conf = 'imap_filters group {\n dummy\n command\n nothing\n}'
  await assert.rejects(instance(ImapFilter, conf), (error: Error) => {
    for (const message of [/an imap filter is needed|a imap filter is needed/, /PROGRAM/, /no module is called/]) {
      assert.match(error.message, message)
    }
    return true
  })
})
