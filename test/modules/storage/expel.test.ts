import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { newProcess } from './process.ts'

/** Fails when the storage cannot show anybody out. */
const signal = (expelled: AbortSignal | undefined): AbortSignal => {
  assert.ok(expelled)
  return expelled
}

test('who has an account open is shown out, in other processes too, and who opens it after that is not', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  try {
    const file = join(directory, 'shared.db')
    await using one = await newProcess(file, directory)
    await using two = await newProcess(file, directory)
    const here = signal((await one.storage.open('a@x.org')).expelled)
    const there = signal((await two.storage.open('a@x.org')).expelled)
    const other = signal((await two.storage.open('b@x.org')).expelled)
    const told = once(there, 'abort')
    await one.storage.expel?.('A@x.org')
    assert.ok(here.aborted)
    await told
    assert.equal(other.aborted, false)
    for (const { storage } of [one, two]) assert.equal((await storage.open('a@x.org')).expelled?.aborted, false)
    await one.storage.expel?.('nobody@x.org')
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
