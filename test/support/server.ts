import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Resolver, Role } from '../../core/index.ts'
import { zone } from '../../core/kit/dns/memory.ts'
import { LoginGuard } from '../../core/mail/logins.ts'
import { Graph } from '../../core/runtime/graph.ts'
import { ProcessHost } from '../../core/runtime/host.ts'
import { Registry } from '../../core/runtime/registry.ts'
import { Supervisor } from '../../core/runtime/supervisor.ts'
import { nodes } from './nodes.ts'

interface Options {
  readonly dns?: Resolver
  readonly env?: Readonly<Record<string, string>>
  /** Further files, by their path relative to the state directory. */
  readonly files?: Readonly<Record<string, string>>
  /** A folder whose `node_modules` is to be found beside the configuration. */
  readonly nodeModules?: string
}

/** A whole server in this process, from a configuration. `tcp://127.0.0.1:0` picks free ports. */
export interface TestServer extends AsyncDisposable {
  /** The state directory, where the configuration file lies too. */
  readonly directory: string
  /** The port of the first (or nth) address of the endpoints that are that module. */
  port(endpoint: string, nth?: number): number
  /** An instance by the name of its block. */
  find<T>(name: string, role: Role<T>): Promise<T>
  /** Puts another configuration in force. Throws ConfigError, and then the one before goes on. */
  reload(conf: string): Promise<void>
  /** Everything logged so far. */
  log(): Promise<string>
}

/** No test waits for a guesser of passwords to be slowed down. */
const impatient = () => new LoginGuard({ first: 1, longest: 1 })

export const serve = async (
  conf: string,
  { dns = zone({}), env = {}, files = {}, nodeModules }: Options = {},
): Promise<TestServer> => {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, file)), { recursive: true })
    await writeFile(join(directory, file), text)
  }
  if (nodeModules) await symlink(join(nodeModules, 'node_modules'), join(directory, 'node_modules'))
  const path = join(directory, 'test.conf')
  const logFile = join(directory, 'log')
  const write = (text: string) => writeFile(path, `${text}\nstate_dir ${directory}\nruntime_dir ${directory}/run\n`)
  const host = stack.use(
    new ProcessHost({ dns, logins: impatient(), log: [logFile], debug: true, startDirectory: directory }),
  )
  const supervisor = new Supervisor(host, { path, env, version: 'test' })
  stack.defer(() => supervisor.stop())
  await write(conf)
  await supervisor.load()
  const graph = (): Graph => {
    if (!supervisor.current) throw new Error('the server has stopped')
    return supervisor.current.graph
  }
  const held = stack.move()
  return {
    directory,
    port(endpoint, nth = 0) {
      const port = graph().ports(endpoint)[nth]
      if (port === undefined) throw new Error(`there is no address ${nth} of ${endpoint}`)
      return port
    },
    async find(name, role) {
      const found = await graph().find(name, role)
      if (found === undefined) throw new Error(`no ${role.name} is named ${name}`)
      return found
    },
    async reload(text) {
      await write(text)
      await supervisor.load()
    },
    log: () => {
      host.output.flush()
      return readFile(logFile, 'utf8')
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** A single module at work, and everything it refers to: the block named `name`, or the only one. */
export const instance = async <T>(
  role: Role<T>,
  conf: string,
  { dns = zone({}), env = {}, files = {}, name }: Options & { readonly name?: string } = {},
): Promise<{ readonly api: T; readonly directory: string } & AsyncDisposable> => {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  for (const [file, text] of Object.entries(files)) await writeFile(join(directory, file), text)
  const host = stack.use(
    new ProcessHost({
      dns,
      logins: impatient(),
      log: [join(directory, 'log')],
      debug: true,
      startDirectory: directory,
    }),
  )
  const blocks = await nodes(conf, env)
  const wanted = name ?? (blocks.length === 1 ? (blocks[0]?.args[0]?.text ?? blocks[0]?.name.text ?? '') : '')
  const directories = { state: directory, runtime: directory, libexec: directory }
  const surroundings = host.for({ directories, debug: true, log: undefined, logNode: undefined, autoReload: false })
  const registry = stack.use(new Registry([]))
  const graph = stack.use(await Graph.build(blocks, { registry, host: surroundings, globals: {}, only: [wanted] }))
  await graph.start()
  const api = await graph.find(wanted, role)
  if (api === undefined) throw new Error(`no ${role.name} is named ${wanted}`)
  const held = stack.move()
  return { api, directory, [Symbol.asyncDispose]: () => held.disposeAsync() }
}
