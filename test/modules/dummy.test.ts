import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Auth, Table, Target } from '../../core/index.ts'
import { instance } from '../support/server.ts'
import { sampleEnvelope, sampleMessage } from '../support/target.ts'

test('dummy lets everybody log in', async () => {
  await using dummy = await instance(Auth, 'dummy { }')
  assert.equal(await dummy.api.verify('anybody', 'anything'), true)
})

test('dummy knows no key', async () => {
  await using dummy = await instance(Table, 'dummy { }')
  assert.deepEqual(await dummy.api.lookup('a'), [])
})

test('dummy takes a message for everyone', async () => {
  await using dummy = await instance(Target, 'dummy { }')
  await using delivery = await dummy.api.begin(sampleEnvelope('a@a.example'))
  await delivery.recipient({ local: 'b', domain: 'b.example' })
  assert.equal((await delivery.message(sampleMessage())).size, 0)
  await delivery.commit()
})

test('dummy takes words after its name', async () => {
  await using chain = await instance(Table, 'table.chain t {\n step dummy some words\n}')
  assert.deepEqual(await chain.api.lookup('a'), [])
})

test('dummy has no directives', async () => {
  await assert.rejects(instance(Table, 'dummy {\n debug yes\n}'), { name: 'ConfigError' })
})
