import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { unless } from './scenario/programs.ts'
import { program } from './support/process.ts'
import { productionEnvironment, productionVariables } from './support/production.ts'

const conf = fileURLToPath(new URL('../conf/', import.meta.url))
const units = ['tsmaddy.service', 'tsmaddy@.service']

test('docs/production.md shows each variable that conf/production.conf names, and those of the REST API', async () => {
  const shown = new Set(Object.keys(await productionEnvironment()))
  const wanted = new Set([...(await productionVariables()), 'ENABLE_API', 'ADMIN_EMAIL', 'ADMIN_PASSWORD'])
  assert.deepEqual(shown, wanted)
})

test('conf/docker/compose.yaml sets each of them, and env.example has what it asks for', async () => {
  const compose = await readFile(join(conf, 'docker', 'compose.yaml'), 'utf8')
  const [, environment = ''] = /\n {2}tsmaddy:\n.*?\n {4}environment:\n(.*?)\n {4}\w/s.exec(compose) ?? []
  const set = new Set(environment.matchAll(/^ {6}(\w+): /gm).map(([, name = '']) => name))
  assert.deepEqual(set, new Set(Object.keys(await productionEnvironment())))
  const example = await readFile(join(conf, 'docker', 'env.example'), 'utf8')
  const given = new Set(example.matchAll(/^(\w+)=/gm).map(([, name = '']) => name))
  assert.deepEqual(given, new Set(compose.matchAll(/\$\{(\w+):\?\}/g).map(([, name = '']) => name)))
})

test('the Dockerfile copies files that are there, and its ignore list lets each of them in', async () => {
  const file = await readFile(join(conf, 'docker', 'Dockerfile'), 'utf8')
  const allowed = new Set(
    (await readFile(join(conf, 'docker', 'Dockerfile.dockerignore'), 'utf8')).match(/(?<=^!).*/gm),
  )
  const copied = [...file.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '))
  assert.ok(copied.length > 10)
  for (const source of copied) {
    await assert.doesNotReject(access(join(conf, '..', source)), `${source} is there`)
    assert.ok(allowed.has(source.split('/')[0] ?? ''), `${source} is let in`)
  }
})

const execute = promisify(execFile)

/** Exit status of the health check, for a server on loopback that says this. */
const health = async (greeting: string): Promise<number> => {
  const server = createServer((socket) => socket.on('error', () => {}).end(greeting))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return await execute(process.execPath, [join(conf, 'docker', 'healthcheck.js'), String(port)])
    .then(
      () => 0,
      (error) => error.code,
    )
    .finally(() => server.close())
}

test('the health check of the image passes for a greeting', async () => {
  assert.equal(await health('220 mx.example.org ESMTP\r\n'), 0)
})

for (const [what, said] of [
  ['a refusal', '421 4.3.2 Not now\r\n'],
  ['a connection that ends', ''],
  ['half a greeting', '220 mx'],
] as const) {
  test(`the health check of the image fails for ${what}`, async () => {
    assert.equal(await health(said), 1)
  })
}

/** The lines of a unit that mean something. */
const linesOf = async (unit: string): Promise<string[]> =>
  (await readFile(join(conf, 'systemd', unit), 'utf8')).split('\n').filter((line) => line !== '' && line[0] !== '#')

for (const unit of units) {
  test(`systemd finds nothing wrong with ${unit}`, unless('systemd-analyze'), async () => {
    await using stack = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-units-'))
    stack.defer(() => rm(folder, { recursive: true }))
    // Where it is installed, systemd finds tsmaddy on its own path.
    const text = (await linesOf(unit)).join('\n').replace(/^(Exec\w+=)tsmaddy /gm, `$1${program} `)
    const path = join(folder, unit)
    await writeFile(path, `${text}\n`)
    const { stdout, stderr } = await execute('systemd-analyze', ['verify', '--man=no', path], {
      env: { ...process.env, SYSTEMD_LOG_LEVEL: 'warning' },
    })
    const about = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('tsmaddy'))
    assert.deepEqual(about, []) // it ends with 0 for keys it does not know
  })
}

test('the units differ in names and folders alone', async () => {
  const [one = [], many = []] = await Promise.all(units.map(linesOf))
  const keys = one.flatMap((line, at) => (line === many[at] ? [] : [line.split('=')[0]]))
  assert.deepEqual(keys, ['Description', 'Environment', 'StateDirectory', 'RuntimeDirectory'])
  assert.equal(one.length, many.length)
})
