import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Modifier } from '../../../core/index.ts'
import { generateKey, keyPem, parseKey, publicKeyOf, recordOf } from '../../../core/kit/dkim/index.ts'
import { KeyFiles } from '../../../modules/modify/_dkim/key_files.ts'
import { lineLogger } from '../../support/logger.ts'
import { instance, serve } from '../../support/server.ts'
import { modify, signature } from './dkim_support.ts'

const dkim = (more = '') => `modify.dkim signer {\ndomains a.example\nselector sel\nnewkey_algo ed25519\n${more}\n}`

const folder = async (): Promise<{ path: string } & AsyncDisposable> => {
  const path = await mkdtemp(join(tmpdir(), 'tsmaddy-dkim-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

const pem = (type: 'ec' | 'ed25519'): string =>
  (type === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')).privateKey
    .export({ type: 'pkcs8', format: 'pem' })
    .toString()

test('the first start makes a key for its owner alone, and a record beside it', async () => {
  await using signer = await instance(Modifier, dkim().replace('ed25519', 'rsa2048'))
  const path = join(signer.directory, 'dkim_keys')
  assert.deepEqual((await readdir(path)).sort(), ['a.example_sel.dns', 'a.example_sel.key'])
  assert.equal((await stat(join(path, 'a.example_sel.key'))).mode & 0o777, 0o600)
  const text = await readFile(join(path, 'a.example_sel.key'), 'utf8')
  assert.match(text, /^-----BEGIN PRIVATE KEY-----\n/)
  const key = await parseKey(text)
  assert.equal(key.privateKey.asymmetricKeyDetails?.modulusLength, 2048)
  assert.equal(await readFile(join(path, 'a.example_sel.dns'), 'utf8'), `v=DKIM1; k=rsa; p=${publicKeyOf(key)}`)
})

test('a log line names both files, and the name in DNS', async () => {
  await using signer = await instance(Modifier, dkim())
  const log = await readFile(join(signer.directory, 'log'), 'utf8')
  const [line] = log.split('\n').filter((each) => each.includes('generated a new DKIM key'))
  assert.ok(line?.includes(join(signer.directory, 'dkim_keys/a.example_sel.key')))
  assert.ok(line?.includes(join(signer.directory, 'dkim_keys/a.example_sel.dns')))
  assert.ok(line?.includes('"sel._domainkey.a.example"'))
})

test('a key that is there is used, and nothing is written', async () => {
  const text = pem('ed25519')
  await using signer = await instance(Modifier, dkim('key_path my.pem'), { files: { 'my.pem': text } })
  assert.equal(signature(await modify(signer.api, 'x@a.example')).a, 'ed25519-sha256')
  assert.equal(await readFile(join(signer.directory, 'my.pem'), 'utf8'), text)
  assert.deepEqual(
    (await readdir(signer.directory)).filter((name) => name !== 'log'),
    ['my.pem'],
  )
})

test('the path of a key has the domain as it was written, and one without .key gets .dns after it', async () => {
  const conf = dkim('key_path keys/{selector}/{domain}').replace('a.example', 'A.Example')
  await using signer = await instance(Modifier, conf)
  assert.deepEqual((await readdir(join(signer.directory, 'keys/sel'))).sort(), ['A.Example', 'A.Example.dns'])
})

test('domains may share a key', async () => {
  await using signer = await instance(Modifier, dkim('key_path one.key').replace('a.example', 'a.example b.example'))
  const names = (await readdir(signer.directory)).filter((name) => name !== 'log')
  assert.deepEqual(names.sort(), ['one.dns', 'one.key'])
})

const unusable: readonly [what: string, text: string, reason: RegExp][] = [
  ['an ECDSA key', pem('ec'), /key\.pem cannot be used: it is an ECDSA key/],
  ['a file that is no PEM', 'hello', /key\.pem cannot be used: it is not in PEM format/],
]

for (const [what, text, reason] of unusable) {
  test(`${what} in the place of a key is told by a check of the configuration`, async () => {
    await assert.rejects(
      serve(`${dkim('key_path key.pem')}\n${using}`, { files: { 'key.pem': text } }),
      (error) => error instanceof Error && reason.test(error.message) && /test\.conf:1:1/.test(error.message),
    )
  })
}

test('a folder in the place of a key is told too', async () => {
  await assert.rejects(serve(`${dkim('key_path keys')}\n${using}`, { files: { 'keys/x': '' } }), /keys cannot be used/)
})

const using = 'smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls off\nmodify &signer\ndeliver_to dummy\n}'

test('a restart uses the key of the first start, and a reload reads keys anew', async () => {
  await using server = await serve(`${dkim()}\n${using}`)
  const path = join(server.directory, 'dkim_keys/a.example_sel.key')
  const first = await readFile(path, 'utf8')
  await server.reload(`${dkim('sig_expiry 1h')}\n${using}`)
  assert.equal(await readFile(path, 'utf8'), first)
  await rm(path)
  const other = await generateKey('rsa2048')
  await writeFile(path, keyPem(other))
  await server.reload(`${dkim('sig_expiry 1h')}\n${using}`)
  const signer = await server.find('signer', Modifier)
  assert.equal(signature(await modify(signer, 'x@a.example')).a, 'rsa-sha256')
})

test('when the key alone was removed, key and record are made anew', async () => {
  await using server = await serve(`${dkim()}\n${using}`)
  const path = join(server.directory, 'dkim_keys/a.example_sel.key')
  await rm(path)
  await server.reload(`${dkim()}\n${using}`)
  const key = await parseKey(await readFile(path, 'utf8'))
  assert.equal(await readFile(path.replace('.key', '.dns'), 'utf8'), recordOf(key))
})

test('of several that make a key at the same time all use the same, whose record is beside it', async () => {
  await using place = await folder()
  const make = () =>
    new KeyFiles({
      path: () => join(place.path, 'made/x.key'),
      dnsName: (domain) => domain,
      log: lineLogger(),
    })
  for (let round = 0; round < 20; round++) {
    const keys = await Promise.all(
      Array.from({ length: 4 }, async () => make().add('a.example', await generateKey('ed25519'))),
    )
    const kept = await make().load('a.example')
    assert.ok(kept)
    assert.ok(keys.every(({ privateKey }) => privateKey.equals(kept.privateKey)))
    assert.equal(await readFile(join(place.path, 'made/x.dns'), 'utf8'), recordOf(kept))
    assert.deepEqual((await readdir(join(place.path, 'made'))).sort(), ['x.dns', 'x.key'])
    await rm(join(place.path, 'made'), { recursive: true })
  }
})

test('an existing key is never overwritten', async () => {
  await using place = await folder()
  const path = join(place.path, 'x.key')
  const existing = await generateKey('ed25519')
  await writeFile(path, keyPem(existing))
  const files = new KeyFiles({ path: () => path, dnsName: (domain) => domain, log: lineLogger() })
  const kept = await files.add('a.example', await generateKey('ed25519'))
  assert.ok(kept.privateKey.equals(existing.privateKey))
  assert.equal(await readFile(path, 'utf8'), keyPem(existing))
})
