import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Modifier } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { instance } from '../../support/server.ts'
import { sampleEnvelope, sampleMessage } from '../../support/target.ts'
import { bytesOfMessage, modify, signature, signatures, verify } from './dkim_support.ts'

/** Ed25519, which takes no time to make. */
const dkim = (domains: string, more = '') =>
  `modify.dkim signer {\ndomains ${domains}\nselector sel\nnewkey_algo ed25519\n${more}\n}`

const broken: readonly [what: string, conf: string, reason: RegExp][] = [
  ['one word after the name', 'modifiers m {\ndkim a.example\n}', /DOMAIN… SELECTOR after its name/],
  ['no selector', 'modify.dkim m {\ndomains a.example\n}', /dkim needs selector SELECTOR/],
  ['no domain', 'modify.dkim m {\nselector s\n}', /dkim needs domains DOMAIN…/],
  ['an empty list of domains', 'modify.dkim m {\nselector s\ndomains\n}', /domains needs DOMAIN…/],
  [
    'sign_subdomains and two domains',
    'modify.dkim m {\nselector s\ndomains a.example b.example\nsign_subdomains\n}',
    /sign_subdomains needs exactly one domain/,
  ],
  [
    'require_sender_match',
    'modify.dkim m {\nselector s\ndomains a.example\nrequire_sender_match envelope\n}',
    /no directive/,
  ],
  [
    'neither list of fields with From',
    'modify.dkim m {\nselector s\ndomains a.example\noversign_fields Subject To\n}',
    /From is neither in oversign_fields nor in sign_fields/,
  ],
  ['a hash that is none', 'modify.dkim m {\nselector s\ndomains a.example\nhash sha1\n}', /sha1/],
  ['a selector that is none', 'modify.dkim m {\nselector a/../b\ndomains a.example\n}', /is no selector/],
  ['an inline selector that is none', 'modifiers m {\ndkim a.example "s; d=x"\n}', /is no selector/],
  [
    'a field that is none',
    'modify.dkim m {\nselector s\ndomains a.example\nsign_fields a;b\n}',
    /no name of a header field/,
  ],
  ['no domain that can be signed for', 'modify.dkim m {\nselector s\ndomains [192.0.2.1]\n}', /none of the domains/],
  [
    'a table of domains that cannot be edited',
    'modify.dkim m {\nselector s\ndomains a.example\ndomain_table static { }\n}',
    /mutable/,
  ],
  [
    'keys in a table where there is none',
    'modify.dkim m {\nselector s\ndomains a.example\nstore_keys_in_database yes\n}',
    /store_keys_in_database needs domain_table/,
  ],
]

for (const [what, conf, reason] of broken) {
  test(`${what} is a configuration error`, async () => {
    await assert.rejects(
      instance(Modifier, conf, { name: 'm' }).then((made) => made[Symbol.asyncDispose]()),
      (error) => {
        assert.ok(error instanceof Error)
        assert.match(error.message, reason)
        assert.match(error.message, /^test\.conf:\d/)
        return true
      },
    )
  })
}

test('domains and selector may stand after the name, and the block wins', async () => {
  await using inline = await instance(
    Modifier,
    'modifiers m {\ndkim a.example b.example sel {\nnewkey_algo ed25519\n}\n}',
  )
  const one = signature(await modify(inline.api, 'x@b.example'))
  assert.equal(`${one.d} ${one.s}`, 'b.example sel')
  await using both = await instance(
    Modifier,
    'modifiers m {\ndkim a.example sel {\nnewkey_algo ed25519\nselector other\ndomains c.example\n}\n}',
  )
  assert.deepEqual(signatures(await modify(both.api, 'x@a.example')), [])
  const two = signature(await modify(both.api, 'x@c.example'))
  assert.equal(`${two.d} ${two.s}`, 'c.example other')
})

test('mail is signed for the domain of its sender, and another implementation says so too', async () => {
  await using signer = await instance(
    Modifier,
    dkim('a.example b.example', 'newkey_algo rsa2048').replace('newkey_algo ed25519\n', ''),
  )
  const message = await modify(signer.api, 'x@B.example', { header: 'From: <x@b.example>\r\nSubject: x\r\n' })
  const tags = signature(message)
  assert.equal(tags.d, 'b.example')
  assert.equal(tags.i, '@b.example')
  assert.equal(tags.a, 'rsa-sha256')
  assert.equal(tags.c, 'relaxed/relaxed')
  assert.equal(Number(tags.x) - Number(tags.t), 120 * 3600)
  assert.equal(message.header.fields[0]?.name, 'DKIM-Signature')
  const record = await readFile(join(signer.directory, 'dkim_keys/b.example_sel.dns'), 'utf8')
  assert.deepEqual(await verify(await bytesOfMessage(message), { 'sel._domainkey.b.example': record }), ['pass'])
})

test('mail of a domain that is not listed is not signed, and goes on', async () => {
  await using signer = await instance(Modifier, dkim('a.example'))
  assert.deepEqual(signatures(await modify(signer.api, 'x@other.example')), [])
  assert.deepEqual(signatures(await modify(signer.api, 'x@s.a.example')), [])
  assert.match(await readFile(join(signer.directory, 'log'), 'utf8'), /no key for domain.*other\.example/)
})

test('the null sender and a postmaster without a domain are signed for the first domain', async () => {
  await using signer = await instance(Modifier, dkim('b.example a.example'))
  assert.equal(signature(await modify(signer.api, '')).d, 'b.example')
  assert.equal(signature(await modify(signer.api, 'Postmaster')).d, 'b.example')
})

test('the sender as rewriting before has left it counts, and that of the envelope where there was none', async () => {
  await using signer = await instance(Modifier, dkim('a.example b.example'))
  const rewritten = signer.api.begin(sampleEnvelope('x@a.example'))
  await rewritten.sender?.(parseAddress('x@b.example'))
  assert.equal(signature((await rewritten.message?.(sampleMessage())) ?? sampleMessage()).d, 'b.example')
  const untouched = signer.api.begin(sampleEnvelope('x@a.example'))
  assert.equal(signature((await untouched.message?.(sampleMessage())) ?? sampleMessage()).d, 'a.example')
})

test('mail from below the one domain is signed for it when asked for', async () => {
  await using signer = await instance(Modifier, dkim('a.example', 'sign_subdomains yes'))
  assert.equal(signature(await modify(signer.api, 'x@deep.s.a.example')).d, 'a.example')
  assert.deepEqual(signatures(await modify(signer.api, 'x@nota.example')), [])
})

test('two Subject fields are named three times, and a List-Id that is not there not at all', async () => {
  await using signer = await instance(Modifier, dkim('a.example'))
  const message = await modify(signer.api, 'x@a.example', { header: 'Subject: 1\r\nFrom: a\r\nsubject: 2\r\n' })
  const names = signature(message).h?.split(':') ?? []
  assert.equal(names.filter((name) => name === 'Subject').length, 3)
  assert.equal(names.filter((name) => name === 'From').length, 2)
  assert.ok(!names.includes('List-Id'))
})

test('an international domain is signed for with A-labels, and with U-labels under SMTPUTF8', async () => {
  await using signer = await instance(Modifier, dkim('bücher.example'))
  const plain = await modify(signer.api, 'x@xn--bcher-kva.example')
  assert.equal(signature(plain).d, 'xn--bcher-kva.example')
  assert.equal(signature(plain).i, '@xn--bcher-kva.example')
  const international = await modify(signer.api, 'ü@bücher.example', { smtputf8: true })
  assert.equal(signature(international).d, 'bücher.example')
})

test('a signature has no x when it never expires', async () => {
  await using signer = await instance(Modifier, dkim('a.example', 'sig_expiry 0'))
  assert.equal(signature(await modify(signer.api, 'x@a.example')).x, undefined)
})

test('canonicalizations and fields are those of the block', async () => {
  const more = 'header_canon simple\nbody_canon simple\noversign_fields From\nsign_fields X-A'
  await using signer = await instance(Modifier, dkim('a.example', more))
  const tags = signature(await modify(signer.api, 'x@a.example', { header: 'X-A: 1\r\nFrom: a\r\nX-A: 2\r\n' }))
  assert.equal(tags.c, 'simple/simple')
  assert.equal(tags.h, 'From:From:X-A:X-A')
})

test('several signers each add a signature, later ones on top', async () => {
  const conf = ['one', 'two'].map((name) => `dkim a.example ${name} {\nnewkey_algo ed25519\n}`).join('\n')
  await using group = await instance(Modifier, `modifiers m {\n${conf}\n}`)
  const message = await modify(group.api, 'x@a.example')
  assert.deepEqual(
    signatures(message).map(({ s }) => s),
    ['two', 'one'],
  )
})

test('a domain that is listed twice is one', async () => {
  await using signer = await instance(Modifier, dkim('a.example A.Example. a.example'))
  assert.equal(signature(await modify(signer.api, 'x@a.example')).d, 'a.example')
})

test('a listed domain that no signature can name is left out', async () => {
  await using signer = await instance(Modifier, dkim('[192.0.2.1] xn--a_b.example a.example'))
  assert.equal(signature(await modify(signer.api, '')).d, 'a.example')
  assert.deepEqual(signatures(await modify(signer.api, 'x@[192.0.2.1]')), [])
})
