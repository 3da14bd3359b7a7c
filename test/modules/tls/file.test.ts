import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import type { TestCertificate } from '../../support/certificates.ts'
import { certificate } from '../../support/certificates.ts'
import { serve } from '../../support/server.ts'
import type { Line } from '../../support/tls.ts'
import { handshake, keepingLog, tlsOf } from '../../support/tls.ts'

const folders: string[] = []
let folder = ''
let cert = ''
let key = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certificates-'))
  folders.push(folder)
  cert = join(folder, 'fullchain.pem')
  key = join(folder, 'privkey.pem')
})

after(async () => {
  for (const each of folders) await rm(each, { recursive: true, force: true })
})

const store = async (pair: TestCertificate): Promise<void> => {
  await writeFile(`${cert}.new`, pair.cert)
  await writeFile(`${key}.new`, pair.key)
  await rename(`${key}.new`, key)
  await rename(`${cert}.new`, cert)
}

/** A log, and a promise of the first line with that event. */
const waitFor = (event: string) => {
  const { promise, resolve } = Promise.withResolvers<Line>()
  const { log, lines } = keepingLog((line) => line.event === event && resolve(line))
  return { log, lines, heard: promise }
}

const errors: readonly (readonly [string, () => string, RegExp])[] = [
  ['an odd number of words', () => 'tls file /a.pem', /odd amount of arguments/],
  ['a relative certificate path', () => `tls file a.pem ${key}`, /only absolute paths allowed in certificate paths/],
  [
    'fewer keys than certs',
    () => 'tls {\nloader file {\ncerts /a.pem /b.pem\nkeys /k.pem\n}\n}',
    /mismatch in certs and keys count/,
  ],
  ['no certificate at all', () => 'tls file', /at least one certificate required/],
]
for (const [title, conf, message] of errors) {
  test(`${title} is a configuration error`, async () => {
    await assert.rejects(tlsOf(conf()), { name: 'ConfigError', message })
  })
}

test('a file that is not there is found before the start', async () => {
  await assert.rejects(tlsOf(`tls file ${cert} ${key}`), /failed to load .*fullchain\.pem and .*privkey\.pem: ENOENT/)
})

test('the key of another certificate is found before the start', async () => {
  await store({ cert: (await certificate()).cert, key: (await certificate()).key })
  await assert.rejects(tlsOf(`tls file ${cert} ${key}`), /failed to load .*the key is that of another certificate/)
})

test('a file that is no PEM is found before the start', async () => {
  await store({ cert: 'nothing of the sort', key: 'nor this' })
  await assert.rejects(tlsOf(`tls file ${cert} ${key}`), /failed to load/)
})

test('certs and keys are paired by position, with the words after the name following them', async () => {
  await store(await certificate({ names: ['mx.test'] }))
  await using server = await tlsOf(`tls {\nloader file ${cert} ${key} {\ncerts ${cert}\nkeys ${key}\n}\n}`)
  assert.ok(server.tls)
  assert.equal((await handshake(server.tls)).subject, 'mx.test')
})

test('a certificate that is replaced on disk is served to the next client', async () => {
  await store(await certificate({ names: ['old.test'] }))
  const { log, heard } = waitFor('reloading certs')
  await using server = await tlsOf(`tls file ${cert} ${key}`, log)
  assert.ok(server.tls)
  assert.equal((await handshake(server.tls)).subject, 'old.test')
  await store(await certificate({ names: ['new.test'] }))
  await heard
  assert.equal((await handshake(server.tls)).subject, 'new.test')
})

test('a certificate that is deleted goes on being served, and the log tells', async () => {
  await store(await certificate({ names: ['mx.test'] }))
  const { log, heard } = waitFor('reload failed')
  await using server = await tlsOf(`tls file ${cert} ${key}`, log)
  await rm(cert)
  assert.match(String((await heard).fields.reason), /ENOENT/)
  assert.ok(server.tls)
  assert.equal((await handshake(server.tls)).subject, 'mx.test')
})

test('a key that comes before its certificate waits for it', async () => {
  await store(await certificate({ names: ['old.test'] }))
  const next = await certificate({ names: ['new.test'] })
  const failed = Promise.withResolvers<void>()
  const reloaded = Promise.withResolvers<void>()
  const { log } = keepingLog(({ event }) => {
    if (event === 'reload failed') failed.resolve()
    if (event === 'reloading certs') reloaded.resolve()
  })
  await using server = await tlsOf(`tls file ${cert} ${key}`, log)
  assert.ok(server.tls)
  await writeFile(key, next.key)
  await failed.promise
  assert.equal((await handshake(server.tls)).subject, 'old.test')
  await writeFile(cert, next.cert)
  await reloaded.promise
  assert.equal((await handshake(server.tls)).subject, 'new.test')
})

test('what changes behind a symbolic link, unnoticed, is found within a minute', async (t) => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'certificates-'))
  folders.push(elsewhere)
  await symlink(join(elsewhere, 'cert.pem'), cert)
  await symlink(join(elsewhere, 'key.pem'), key)
  const store = async (pair: TestCertificate) => {
    await writeFile(join(elsewhere, 'cert.pem'), pair.cert)
    await writeFile(join(elsewhere, 'key.pem'), pair.key)
  }
  await store(await certificate({ names: ['old.test'] }))
  const { log, heard } = waitFor('reloading certs')
  t.mock.timers.enable({ apis: ['setInterval'] })
  await using server = await tlsOf(`tls file ${cert} ${key}`, log)
  assert.ok(server.tls)
  await store(await certificate({ names: ['new.test'] }))
  assert.equal((await handshake(server.tls)).subject, 'old.test')
  t.mock.timers.tick(60_000)
  await heard
  assert.equal((await handshake(server.tls)).subject, 'new.test')
})

test('an expired certificate is served, and the log warns of it', async () => {
  const day = 24 * 60 * 60_000
  const [notBefore, notAfter] = [new Date(Date.now() - 2 * day), new Date(Date.now() - day)]
  await store(await certificate({ names: ['mx.test'], notBefore, notAfter }))
  const { log, lines } = keepingLog()
  await using server = await tlsOf(`tls file ${cert} ${key}`, log)
  assert.ok(server.tls)
  assert.equal((await handshake(server.tls)).subject, 'mx.test')
  assert.deepEqual(
    lines.filter(({ event }) => event === 'certificate has expired').map(({ fields }) => fields.path),
    [cert],
  )
})

test('a certificate that comes while the server runs and is too weak for it is left aside, and the log tells', async () => {
  await store(await certificate({ names: ['old.test'] }))
  const reloaded = waitFor('reloading certs')
  await using server = await tlsOf(`tls {\nloader file ${cert} ${key}\nprotocols tls1.2 tls1.3\n}`, reloaded.log)
  assert.ok(server.tls)
  assert.equal((await handshake(server.tls)).subject, 'old.test')
  await store(await certificate({ names: ['weak.test'], weak: true }))
  await reloaded.heard
  assert.equal((await handshake(server.tls)).subject, 'old.test')
  assert.match(String(reloaded.lines.find(({ event }) => event === 'reload failed')?.fields.reason), /too small/)
})

test('a reload whose certificate has been deleted is refused, and the old configuration goes on', async () => {
  await store(await certificate({ names: ['mx.test'] }))
  const conf = `hostname mx.test\nsmtp tcp://127.0.0.1:0 {\n tls file ${cert} ${key}\n deliver_to dummy\n}`
  await using server = await serve(conf)
  const port = server.port('smtp')
  await rm(cert)
  await assert.rejects(server.reload(conf), { message: /failed to load .*fullchain\.pem/ })
  assert.equal(server.port('smtp'), port)
})
