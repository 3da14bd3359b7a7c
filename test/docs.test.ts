import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { zone } from '../core/kit/dns/memory.ts'
import { globals } from '../core/mail/globals.ts'
import { LoginGuard } from '../core/mail/logins.ts'
import { Graph } from '../core/runtime/graph.ts'
import { ProcessHost } from '../core/runtime/host.ts'
import { withApi } from '../core/runtime/implicit_api.ts'
import { Registry } from '../core/runtime/registry.ts'
import { readConfig, readConfigText } from '../grammar/index.ts'
import type { Node } from '../grammar/node.ts'
import { productionEnvironment } from './support/production.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
let directory = ''

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tsmaddy-docs-'))
})

after(() => rm(directory, { recursive: true }))

/** Building a graph is checking a configuration: it opens nothing. */
const build = async (nodes: readonly Node[], env: Readonly<Record<string, string>> = {}): Promise<void> => {
  using host = new ProcessHost({
    dns: zone({}),
    logins: new LoginGuard(),
    log: ['off'],
    debug: false,
    startDirectory: directory,
  })
  using registry = new Registry([])
  const directories = { state: directory, runtime: directory, libexec: directory }
  const surroundings = host.for({ directories, debug: false, log: undefined, logNode: undefined, autoReload: false })
  await using _ = await Graph.build(nodes, { registry, host: surroundings, globals, env })
}

const markdown = [
  'README.md',
  'conf/docker/README.md',
  ...(await readdir(join(root, 'docs'))).map((file) => `docs/${file}`),
]

for (const file of markdown.filter((name) => name.endsWith('.md'))) {
  const text = await readFile(join(root, file), 'utf8')
  for (const [, conf = ''] of text.matchAll(/^```maddy\n(.*?)^```$/gms)) {
    const line = text.slice(0, text.indexOf(conf)).split('\n').length
    test(`the configuration in ${file}, line ${line}, can be built`, async () => {
      await build((await readConfigText(conf, file, { env: {} })).nodes)
    })
  }

  test(`every link in ${file} to a file of the repository leads somewhere`, async () => {
    for (const [, target = ''] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
      const path = join(root, file, '..', target)
      await assert.doesNotReject(
        readFile(path).catch((error) => (error.code === 'EISDIR' ? undefined : Promise.reject(error))),
        `${file} links to ${target}`,
      )
    }
  })
}

const shipped = { 'dev.conf': {}, 'maddy.conf': {}, 'production.conf': await productionEnvironment() }

for (const [name, env] of Object.entries(shipped)) {
  test(`conf/${name} can be built`, async () => {
    const { nodes, warnings } = await readConfig(join(root, 'conf', name), { env })
    assert.deepEqual(warnings, [])
    await build(withApi(nodes, env), env)
  })
}
