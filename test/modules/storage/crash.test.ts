import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { SmtpError } from '../../../core/index.ts'
import { newProcess } from './process.ts'
import { account, all, bytes, deliver, select, simple } from './support.ts'

for (const bodies of ['inside', 'files']) {
  test(`a process killed again and again loses no acknowledged message, doubles none and tears none (${bodies})`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
    try {
      const file = join(directory, 'mail.db')
      const acknowledged = new Set<string>()
      const sent = new Set<string>()
      for (let round = 0; round < 4; round++) {
        const script = new URL('./deliver_for_ever.ts', import.meta.url)
        const child = spawn(process.execPath, [script.pathname, file, directory, `${round}`, bodies], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        let said = ''
        for await (const chunk of child.stdout) {
          said += String(chunk)
          if (said.length > 500 + round * 700) break
        }
        child.kill('SIGKILL')
        await once(child, 'exit')
        for (const line of said.split('\n').slice(0, -1)) {
          const [what, subject = ''] = line.split(' ')
          if (what === 'sent') sent.add(subject)
          else acknowledged.add(subject)
        }
      }
      assert.ok(acknowledged.size > 50, `${acknowledged.size} acknowledged`)
      await using again = await newProcess(file, directory, { files: bodies === 'files' })
      await using inbox = await select(again.storage, 'b@x.org')
      const found: string[] = []
      for (const uid of inbox.snapshot.uids) {
        const text = await bytes(await inbox.content(uid))
        const [, subject = ''] = /Subject: (\S+)\r\n/.exec(text) ?? []
        assert.ok(text.endsWith(`\r\n\r\n${subject.repeat(50)}\r\n`), `message ${uid} is not whole`)
        found.push(subject)
      }
      assert.equal(new Set(found).size, found.length, 'a message is there twice')
      assert.deepEqual(
        [...acknowledged].filter((subject) => !found.includes(subject)),
        [],
      )
      assert.equal((await (await account(again.storage, 'b@x.org')).status('INBOX')).messages, found.length)
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
