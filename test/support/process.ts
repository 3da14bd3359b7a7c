import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { control } from '../../core/runtime/control.ts'

export const program = fileURLToPath(new URL('../../bin/tsmaddy', import.meta.url))

/** No test waits longer for anything; milliseconds. */
const patience = 20_000

type Environment = Readonly<Record<string, string | undefined>>

/** A folder of its own for a test, removed at the end, with these files in it. */
export const folder = async (
  files: Readonly<Record<string, string>> = {},
): Promise<AsyncDisposable & { path: string }> => {
  const path = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), text)
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

export interface Finished {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `tsmaddy` with these words to its end. */
export const tsmaddy = async (
  args: readonly string[],
  { cwd = tmpdir(), env = {}, input = '' }: { cwd?: string; env?: Environment; input?: string } = {},
): Promise<Finished> => {
  const child = spawn(process.execPath, [program, ...args], { cwd, env: { ...process.env, ...env }, timeout: patience })
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  child.stdin.on('error', () => {}) // of a program that does not read what it is given
  child.stdin.end(input)
  const [status] = await once(child, 'close')
  return { status, stdout: stdout(), stderr: stderr() }
}

const collect = (stream: NodeJS.ReadableStream): (() => string) => {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk) => {
    text += chunk
  })
  return () => text
}

/** `tsmaddy run` in a folder that holds `tsmaddy.conf`; state and runtime directory lie in it, too. */
export class ServerProcess implements AsyncDisposable {
  readonly directory: string
  readonly stderr: () => string
  readonly stdout: () => string
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown[]>
  #folder: AsyncDisposable | undefined

  private constructor(directory: string, child: ChildProcess) {
    this.directory = directory
    this.#child = child
    this.#closed = once(child, 'close')
    this.stdout = collect(child.stdout ?? process.stdin)
    this.stderr = collect(child.stderr ?? process.stdin)
  }

  /** Resolves once every listener accepts. */
  static async start(
    directory: string,
    { args = ['-config', 'tsmaddy.conf', 'run'], env = {} }: { args?: readonly string[]; env?: Environment } = {},
  ): Promise<ServerProcess> {
    const server = ServerProcess.spawn(directory, { args, env })
    try {
      await server.said(/^server started/m)
      return server
    } catch (error) {
      await server[Symbol.asyncDispose]()
      throw error
    }
  }

  /** As `start`, in a folder of its own with these files. */
  static async fresh(
    files: Readonly<Record<string, string>>,
    options?: { args?: readonly string[]; env?: Environment },
  ): Promise<ServerProcess> {
    const place = await folder(files)
    try {
      const server = await ServerProcess.start(place.path, options)
      server.#folder = place
      return server
    } catch (error) {
      await place[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Does not wait. */
  static spawn(directory: string, { args, env = {} }: { args: readonly string[]; env?: Environment }): ServerProcess {
    const options = { cwd: directory, env: { ...process.env, ...env } }
    return new ServerProcess(directory, spawn(process.execPath, [program, ...args], options))
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resolves as soon as standard error has something like that, as often as `times`. */
  async said(pattern: RegExp, times = 1): Promise<void> {
    const all = new RegExp(pattern, `${pattern.flags.replace('g', '')}g`)
    await until(async () => {
      if ([...this.stderr().matchAll(all)].length >= times) return true
      if (this.#child.exitCode !== null) throw new Error(`the server ended without ${pattern}:\n${this.stderr()}`)
      return false
    }, `${pattern} in:\n${this.stderr()}`)
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** The exit status, once the process has ended by itself. */
  async ended(): Promise<number | null> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), patience)
    await this.#closed
    clearTimeout(timer)
    return this.#child.exitCode
  }

  async write(conf: string): Promise<void> {
    await writeFile(join(this.directory, 'tsmaddy.conf'), conf)
  }

  read(file: string): Promise<string> {
    return readFile(join(this.directory, file), 'utf8')
  }

  /** What the server tells of itself by its control socket. */
  async status(): Promise<Status> {
    const result = await control(join(this.directory, 'run', 'control.sock'), { command: 'status' })
    if (!result.ok) throw new Error(result.error)
    return result.status as unknown as Status
  }

  /** Connects to the nth address of the configuration. */
  async dial(nth = 0): Promise<Line> {
    const port = (await this.status()).listeners[nth]?.port
    return await Line.dial(port ?? 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL')
    await this.#closed
    await this.#folder?.[Symbol.asyncDispose]()
  }
}

export interface Status {
  readonly version: string
  readonly pid: number
  readonly listeners: readonly { readonly address: string; readonly port: number }[]
  readonly sessions: Readonly<Record<string, number>>
  readonly retiring: number
  readonly memory: { readonly rss: number }
}

/** A client that speaks in lines. */
export class Line implements AsyncDisposable {
  readonly socket: Socket
  #text = ''
  #over = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('utf8').on('data', (chunk) => {
      this.#text += chunk
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#over = true
    })
  }

  static async dial(port: number): Promise<Line> {
    const line = new Line(connect(port, '127.0.0.1'))
    await once(line.socket, 'connect')
    return line
  }

  send(text: string): void {
    this.socket.write(`${text}\n`)
  }

  /** The next line; undefined when the connection has ended. */
  async next(): Promise<string | undefined> {
    await until(async () => this.#text.includes('\n') || this.#over, 'a line')
    const [line = '', ...rest] = this.#text.split('\n')
    if (rest.length === 0) return undefined
    this.#text = rest.join('\n')
    return line
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy()
  }
}

/** Resolves as soon as that is true. */
export const until = async (condition: () => Promise<boolean>, what: string): Promise<void> => {
  const deadline = Date.now() + patience
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited too long for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
