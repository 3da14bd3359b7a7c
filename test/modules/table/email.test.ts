import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inPlace, lookup, refused } from './lookup.ts'

for (const [key, values] of [
  ['u@a@b.example', ['u@a']],
  ['plain', []],
  ['', []],
  ['@x', []],
  ['u@', []],
  ['POSTMASTER', ['POSTMASTER']],
  ['"a b"@x.example', ['"a b"']],
] as const) {
  test(`the local part of ${JSON.stringify(key)} is ${values[0] ?? 'not found'}`, async () => {
    assert.deepEqual(await lookup('table.email_localpart t { }', key), values)
  })
}

for (const [key, value] of [
  ['u@a.example', 'u'],
  ['plain', 'plain'],
  ['@x', '@x'],
  ['', ''],
] as const) {
  test(`the optional local part of ${JSON.stringify(key)} is ${JSON.stringify(value)}`, async () => {
    assert.deepEqual(await lookup('table.email_localpart_optional t { }', key), [value])
  })
}

test('a key is put at every domain, in their order', async () => {
  const found = await inPlace('email_with_domain x.example y.example', 'ann')
  assert.deepEqual(found, ['ann@x.example', 'ann@y.example'])
})

test('a key that has to be quoted is', async () => {
  assert.deepEqual(await inPlace('email_with_domain x.example', 'a b'), ['"a b"@x.example'])
  assert.deepEqual(await inPlace('email_with_domain x.example', 'a@b'), ['"a@b"@x.example'])
})

test('email_with_domain without a domain is refused', async () => {
  await assert.rejects(inPlace('email_with_domain', 'a'), refused(/needs a domain/))
  await assert.rejects(lookup('table.email_with_domain t { }', 'a'), refused(/needs a domain/))
})

test('email_with_domain with an invalid domain is refused, there where it stands', async () => {
  await assert.rejects(inPlace('email_with_domain x.example ..', 'a'), refused(/^test\.conf:2:36: .. is no domain$/))
})

test('identity finds every key, the empty one too', async () => {
  assert.deepEqual(await lookup('table.identity t { }', ''), [''])
  assert.deepEqual(await lookup('table.identity t { }', 'Key'), ['Key'])
})
