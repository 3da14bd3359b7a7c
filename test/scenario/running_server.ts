import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { open, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type ControlResult, control } from '../../core/runtime/control.ts'

const program = fileURLToPath(new URL('../../bin/tsmaddy', import.meta.url))

/** How long a server may take to start, and to log what it should; milliseconds. */
const patience = 60_000

export interface RunningServerOptions {
  /** Environment variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Options of Node, before the program. */
  readonly node?: readonly string[]
  /** Options of the program, before its command. */
  readonly args?: readonly string[]
}

/**
 * A server for long and rough treatment, known from outside alone: by its signals, its log, its control socket and /proc.
 * It can be killed and started again on the same directory. It logs to a file beside that directory, which no work of this
 * process slows down.
 */
export class RunningServer implements AsyncDisposable {
  /** The state directory, where the configuration file lies too. */
  readonly directory: string
  readonly config: string
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  #ended = false

  private constructor(directory: string, log: number, { env = {}, node = [], args = [] }: RunningServerOptions) {
    this.directory = directory
    this.config = configIn(directory)
    this.#child = spawn(process.execPath, [...node, program, '-config', this.config, ...args, 'run'], {
      stdio: ['ignore', 'ignore', log],
      env: { ...process.env, ...env },
    })
    this.#exited = once(this.#child, 'exit').finally(() => {
      this.#ended = true
    })
  }

  /** Starts the program on a configuration, and resolves once it serves. Throws with its log when it does not. */
  static async start(directory: string, conf: string, options: RunningServerOptions = {}): Promise<RunningServer> {
    const { server, logged } = await RunningServer.#spawn(directory, conf, options)
    try {
      await server.logs(/^server started/m, logged)
    } catch (error) {
      await server.kill()
      throw error
    }
    return server
  }

  /** Starts the program, and kills it so many milliseconds later, which may be before it serves. */
  static async cutShort(directory: string, conf: string, milliseconds: number): Promise<void> {
    const { server } = await RunningServer.#spawn(directory, conf, {})
    await pause(milliseconds)
    await server.kill()
  }

  /** `logged` is how long the log of former servers is. */
  static async #spawn(directory: string, conf: string, options: RunningServerOptions) {
    await writeConfig(directory, conf)
    await using log = await open(logOf(directory), 'a')
    const { size } = await log.stat()
    return { server: new RunningServer(directory, log.fd, options), logged: size }
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** What servers on that directory have logged, from that byte on. */
  async log(from = 0): Promise<string> {
    return (await readFile(logOf(this.directory))).toString('utf8', from)
  }

  /** Resolves to the match once it has logged it, after that byte of its log. Throws when it ends instead, or takes too long. */
  async logs(event: RegExp, from = 0): Promise<RegExpExecArray> {
    const late = AbortSignal.timeout(patience)
    for (;;) {
      const ended = this.#ended
      const log = await this.log(from)
      const match = event.exec(log)
      if (match) return match
      if (ended || late.aborted) throw new Error(`${event} is not in the log: ${log}`)
      await pause(10)
    }
  }

  async status(): Promise<Status> {
    const result = await control(this.#socket, { command: 'status' })
    if (!result.ok) throw new Error(result.error)
    return result.status as unknown as Status
  }

  /** The ports it listens on, in the order of the configuration. */
  async ports(): Promise<readonly number[]> {
    return (await this.status()).listeners.map(({ port }) => port)
  }

  /** Puts what its file says now in force, or tells why not. */
  async reload(conf?: string): Promise<ControlResult> {
    if (conf !== undefined) await this.write(conf)
    return await control(this.#socket, { command: 'reload' })
  }

  /** Writes another configuration, and leaves it at that. */
  async write(conf: string): Promise<void> {
    await writeConfig(this.directory, conf)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends it with no chance to tidy up, and resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** Asks it to end. Resolves to its exit status. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    await this.#exited
    return this.#child.exitCode
  }

  /** Its resident memory now, in bytes. */
  get residentMemory(): number {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'latin1')) ?? []
    return Number(kilobytes) * 1024
  }

  /** How many sockets it listens on, the control socket included. */
  async listeningSockets(): Promise<number> {
    const held = new Set<string>()
    const folder = `/proc/${this.pid}/fd`
    for (const name of await readdir(folder)) {
      // One that is closed meanwhile is none.
      const [, inode] = /^socket:\[(\d+)\]$/.exec(await readlink(join(folder, name)).catch(() => '')) ?? []
      if (inode) held.add(inode)
    }
    return listeningInodes(this.pid).filter((inode) => held.has(inode)).length
  }

  get #socket(): string {
    return join(this.directory, 'run', 'control.sock')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    await rm(logOf(this.directory), { force: true })
  }
}

/** What the control socket tells of a server. */
export interface Status {
  readonly listeners: readonly { readonly address: string; readonly port: number }[]
  readonly sessions: Readonly<Record<string, number>>
  /** Former configurations that still have work to finish. */
  readonly retiring: number
  readonly memory: NodeJS.MemoryUsage
}

const logOf = (directory: string): string => `${directory}.log`

const configIn = (directory: string): string => join(directory, 'tsmaddy.conf')

/** Its directories go at the end, so that the lines of the test keep their numbers. */
const writeConfig = (directory: string, conf: string): Promise<void> =>
  writeFile(configIn(directory), `${conf}\nstate_dir ${directory}\nruntime_dir ${directory}/run\n`)

/** The sockets in state LISTEN (0A) of the network of a process; Unix sockets with the flag of accepting. */
const listeningInodes = (pid: number): string[] => {
  const table = (name: string) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'latin1')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
  const network = [...table('tcp'), ...table('tcp6')].filter((fields) => fields[3] === '0A')
  const local = table('unix').filter((fields) => fields[3] === '00010000')
  return [...network.map((fields) => fields[9] ?? ''), ...local.map((fields) => fields[6] ?? '')]
}
