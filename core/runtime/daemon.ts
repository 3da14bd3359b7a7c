import { join } from 'node:path'
import { type ControlRequest, type ControlResult, ControlSocket } from './control.ts'
import { ProcessHost, type ProcessOptions } from './host.ts'
import { filesOf, type Progress, problemsOf, type Source, StartError, Supervisor } from './supervisor.ts'
import { Systemd } from './systemd.ts'
import { Watcher } from './watcher.ts'

export interface DaemonOptions extends ProcessOptions, Source {}

/** What the process ends with. */
export type ExitStatus = 0 | 1 | 2

/** The name of the control socket in the runtime directory. */
export const controlName = 'control.sock'

/** A second signal to stop means now; but npm and a terminal both pass the same Ctrl-C on. Milliseconds. */
const sameSignal = 1_000

/** A bug that many uncaught exceptions a minute come from has broken what all sessions share. */
const mostUncaught = 100

/** The server as a process: one supervisor, and all the ways in which it can be told what to do. */
export class Daemon implements AsyncDisposable {
  readonly #options: DaemonOptions
  readonly #host: ProcessHost
  readonly #supervisor: Supervisor
  readonly #systemd: Systemd
  readonly #watcher: Watcher
  readonly #started = Date.now()
  readonly #stopped = Promise.withResolvers<ExitStatus>()
  readonly #cleanUp = new AsyncDisposableStack()
  #control: ControlSocket | undefined
  #stopping: number | undefined

  /** Throws for a log that cannot be opened. */
  constructor(options: DaemonOptions) {
    this.#options = options
    this.#host = this.#cleanUp.use(new ProcessHost(options))
    this.#supervisor = new Supervisor(this.#host, options, ({ files, settings }) => {
      this.#watcher.watch(settings.autoReload ? files : [])
      return this.#openControl(join(settings.directories.runtime, controlName))
    })
    this.#systemd = new Systemd(options.env, this.#host.log)
    this.#watcher = this.#cleanUp.use(new Watcher(this.#host.log, () => this.#reload().catch(() => {})))
    this.#listen()
  }

  /** Serves until it is told to stop. Resolves to what the process is to end with. */
  async run(): Promise<ExitStatus> {
    try {
      await this.#supervisor.load()
    } catch (error) {
      this.#systemd.failed(problemsOf(error).join('\n'))
      await this.#systemd.delivered()
      if (this.#stopping !== undefined) return 0
      return error instanceof StartError ? 1 : 2
    }
    this.#systemd.ready('serving')
    return await this.#stopped.promise
  }

  /** Also for the tests of others, which have no process to send a signal to. */
  stop(): void {
    const now = Date.now()
    if (this.#stopping !== undefined) {
      if (now - this.#stopping < sameSignal) return
      this.#host.log.info('stopping at once, since told so again')
      this.#stopped.resolve(1)
      return
    }
    this.#stopping = now
    this.#host.log.info('stopping')
    this.#systemd.stopping()
    this.#supervisor.stop().then(
      () => this.#stopped.resolve(0),
      (error) => {
        this.#host.log.error('cannot stop', error)
        this.#stopped.resolve(1)
      },
    )
  }

  async #reload(progress: Progress = () => {}): Promise<void> {
    if (this.#stopping !== undefined) throw new Error('the server is stopping')
    this.#systemd.reloading()
    try {
      await this.#supervisor.load(progress)
      this.#systemd.ready('serving')
    } catch (error) {
      this.#watchAlso(filesOf(error))
      this.#systemd.ready(`serving; the last reload failed: ${problemsOf(error)[0]}`)
      throw error
    }
  }

  /** A mistake may be in a file that the configuration in force does not have; mending it is to be noticed too. */
  #watchAlso(files: readonly string[]): void {
    const { current } = this.#supervisor
    if (current?.settings.autoReload) this.#watcher.watch([...current.files, ...files])
  }

  #reopenLogs(): void {
    this.#systemd.reloading()
    this.#host.output.reopen()
    this.#systemd.ready('serving')
  }

  /** Signals that come while something is under way wait in the queue of the supervisor; none is lost. */
  #listen(): void {
    const stop = () => this.stop()
    const reload = () => {
      this.#reload().catch(() => {}) // it has been logged
    }
    this.#on('SIGTERM', stop)
    this.#on('SIGINT', stop)
    this.#on('SIGHUP', stop)
    this.#on('SIGUSR1', () => this.#reopenLogs())
    this.#on('SIGUSR2', reload)
    let uncaught = 0
    const calm = setInterval(() => {
      uncaught = 0
    }, 60_000)
    calm.unref()
    this.#cleanUp.defer(() => clearInterval(calm))
    // A promise nobody waited for, or an exception in the handler of some event: a bug, but most likely one of a single
    // session, whose client goes away by its time-out. What lasts is kept by transactions, which a cut-off call stack leaves
    // undone. To end would do every stranger a favour who finds such a bug; so it is logged with its stack, and the others
    // are served on. A flood of them is another matter: then the service manager had better start afresh.
    const report = (event: string) => (error: unknown) => {
      const stack = error instanceof Error ? error.stack : undefined
      this.#host.log.error(event, error, { stack })
      if (++uncaught === mostUncaught) this.#giveUp()
    }
    this.#on('uncaughtException', report('uncaught exception'))
    this.#on('unhandledRejection', report('unhandled rejection'))
    const flush = () => this.#host.output.flush()
    process.on('exit', flush)
    this.#cleanUp.defer(() => void process.off('exit', flush))
    const ignore = () => {} // a reader of stderr who left is no reason to end
    process.stderr.on('error', ignore)
    this.#cleanUp.defer(() => {
      process.stderr.off('error', ignore)
    })
  }

  #giveUp(): void {
    this.#host.log.info('too many uncaught exceptions: ending')
    this.#stopped.resolve(1)
  }

  #on(event: NodeJS.Signals | 'uncaughtException' | 'unhandledRejection', listener: (...args: never[]) => void): void {
    process.on(event, listener as never)
    this.#cleanUp.defer(() => {
      process.off(event, listener as never)
    })
  }

  /** Nobody can be told to use another socket, so it stays where it is unless the runtime directory has changed. */
  async #openControl(path: string): Promise<void> {
    if (this.#control?.path === path) return
    const before = this.#control
    try {
      this.#control = await ControlSocket.open(path, (request, progress) => this.#answer(request, progress))
    } catch (error) {
      this.#host.log.error('cannot listen for commands', error, { path })
      return
    }
    // Not waited for: the request that led here may have come in by it.
    before?.[Symbol.asyncDispose]().catch((error) => this.#host.log.error('cannot close a socket', error))
  }

  async #answer({ command }: ControlRequest, progress: Progress): Promise<ControlResult> {
    if (command === 'status') return { ok: true, status: this.#status() }
    try {
      await this.#reload(progress)
      return { ok: true }
    } catch (error) {
      return { ok: false, error: problemsOf(error).join('\n') }
    }
  }

  #status(): Readonly<Record<string, unknown>> {
    return {
      version: this.#options.version,
      config: this.#options.path,
      pid: process.pid,
      uptime: Math.round((Date.now() - this.#started) / 1000),
      since: this.#supervisor.current?.since,
      listeners: this.#supervisor.current?.graph.leases.map(({ address, port }) => ({ address: address.text, port })),
      sessions: this.#host.listeners.count(),
      retiring: this.#supervisor.retiring,
      memory: process.memoryUsage(),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#systemd.delivered()
    await this.#control?.[Symbol.asyncDispose]()
    await this.#cleanUp.disposeAsync()
  }
}
