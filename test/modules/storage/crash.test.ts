import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { SmtpError } from '../../../core/index.ts'
import { checkMail, killAgainAndAgain } from './killing.ts'
import { newProcess } from './process.ts'
import { account, all, deliver, select, simple } from './support.ts'

for (const bodies of ['inside', 'files']) {
  test(`a process killed again and again loses no acknowledged message, doubles none and tears none (${bodies})`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
    try {
      const file = join(directory, 'mail.db')
      const acknowledged = await killAgainAndAgain(file, directory, bodies, 4)
      assert.ok(acknowledged.size > 50, `${acknowledged.size} acknowledged`)
      await using again = await newProcess(file, directory, { files: bodies === 'files' })
      await checkMail(again, acknowledged)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
}

test('a full disk is told as such, and loses nothing; small messages go on', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  try {
    await using small = await newProcess(join(directory, 'mail.db'), directory, { pragmas: { max_page_count: 150 } })
    await small.storage.create('b@x.org', [])
    await deliver(small.storage, ['b@x.org'], simple('before'))
    const outcomes = await Promise.allSettled([
      deliver(small.storage, ['b@x.org'], simple('large', 'x'.repeat(70).concat('\n').repeat(20_000))),
      deliver(small.storage, ['b@x.org'], simple('beside')),
    ])
    const [large, beside] = outcomes
    assert.ok(large?.status === 'rejected' && large.reason instanceof SmtpError)
    assert.deepEqual([large.reason.code, large.reason.enhanced], [452, '4.3.1'])
    assert.equal(beside?.status, 'fulfilled')
    await using inbox = await select(small.storage, 'b@x.org')
    const found = await Array.fromAsync(inbox.messages(all, { header: true }))
    assert.deepEqual(
      found.map(({ header }) => header?.Subject?.[0]),
      ['before', 'beside'],
    )
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

test('a database that another program keeps to itself is tried again, then told as temporary, and works afterwards', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  try {
    const file = join(directory, 'mail.db')
    await using made = await newProcess(file, directory, { busyTimeout: 1 })
    await made.storage.create('b@x.org', [])
    using other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    await assert.rejects(deliver(made.storage, ['b@x.org']), { name: 'SmtpError', code: 453, enhanced: '4.3.2' })
    other.exec('ROLLBACK')
    await deliver(made.storage, ['b@x.org'])
    assert.equal((await (await account(made.storage, 'b@x.org')).status('INBOX')).messages, 1)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
