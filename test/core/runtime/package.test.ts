import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Target } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { Registry } from '../../../core/runtime/registry.ts'
import { serve } from '../../support/server.ts'
import { sampleEnvelope, sampleMessage } from '../../support/target.ts'

const run = promisify(execFile)
const source = fileURLToPath(new URL('../../packages/tsmaddy-maildir', import.meta.url))

/** A folder in which the example package is installed the way a user does it. */
let folder = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsmaddy-package-'))
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder, source])
  const tarball = join(folder, stdout.trim())
  await run('npm', ['install', '--silent', '--offline', '--no-audit', '--no-fund', '--prefix', folder, tarball])
})

after(() => rm(folder, { recursive: true, force: true }))

const conf = (target: string) =>
  `smtp tcp://127.0.0.1:0 {\n hostname mx.example.org\n tls off\n deliver_to ${target}\n}`

test('a module of an npm package is found beside the state directory and delivers mail', async () => {
  await using server = await serve(`${conf('&archive')}\ntarget.maildir archive { path mail }`, { nodeModules: folder })
  const target = await server.find('archive', Target)
  {
    await using delivery = await target.begin(sampleEnvelope('a@a.example'))
    await delivery.recipient(parseAddress('b@b.example'))
    await delivery.message(sampleMessage('Subject: hello\r\n', 'Text\r\n'))
    await delivery.commit()
  }
  const [name] = await readdir(join(server.directory, 'mail/new'))
  assert.equal(await readFile(join(server.directory, 'mail/new', name ?? ''), 'utf8'), 'Subject: hello\r\n\r\nText\r\n')
})

test('a message that is not committed leaves nothing in the Maildir', async () => {
  await using server = await serve(`${conf('&archive')}\ntarget.maildir archive { path mail }`, { nodeModules: folder })
  const target = await server.find('archive', Target)
  {
    await using delivery = await target.begin(sampleEnvelope('a@a.example'))
    await delivery.recipient(parseAddress('b@b.example'))
    await delivery.message(sampleMessage())
  }
  const left = ['tmp', 'new'].map((each) => readdir(join(server.directory, 'mail', each)))
  assert.deepEqual(await Promise.all(left), [[], []])
})

test('mistakes in the block of a packaged module are told like any other', async () => {
  await assert.rejects(serve(conf('maildir'), { nodeModules: folder }), {
    message: /test\.conf:4:13: target\.maildir needs a path/,
  })
})

test('a package whose file defines no module is named', async () => {
  const broken = await mkdtemp(join(tmpdir(), 'tsmaddy-broken-'))
  try {
    const { mkdir } = await import('node:fs/promises')
    await mkdir(join(broken, 'table-broken'))
    const manifest = { name: 'table-broken', tsmaddy: { modules: { 'table.broken': './index.js' } } }
    await writeFile(join(broken, 'table-broken/package.json'), JSON.stringify(manifest))
    await writeFile(join(broken, 'table-broken/index.js'), 'module.exports = 1')
    using registry = new Registry([broken])
    await assert.rejects(registry.find('table.broken'), {
      name: 'ModuleError',
      message: 'module table.broken of package table-broken has no default export made by defineModule',
    })
  } finally {
    await rm(broken, { recursive: true })
  }
})

test('a name that would leave the folder of modules is no module', async () => {
  using registry = new Registry([])
  assert.equal(await registry.find('..core.index'), undefined)
})
