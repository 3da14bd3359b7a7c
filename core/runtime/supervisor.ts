import { isAbsolute } from 'node:path'
import { type Environment, readConfig } from '../../grammar/index.ts'
import { ConfigError, describeProblem, type Problem } from '../../grammar/node.ts'
import { timeLimit } from '../kit/abort.ts'
import { globals } from '../mail/globals.ts'
import { prepareDirectories } from './directories.ts'
import { Graph } from './graph.ts'
import type { ProcessHost } from './host.ts'
import { withApi } from './implicit_api.ts'
import { errorText } from './log_line.ts'
import { type LogTarget, openTargets } from './log_target.ts'
import { moduleFolders, Registry } from './registry.ts'
import { type Settings, soundSettings } from './settings.ts'

export interface Source {
  /** Of the configuration file, absolute. */
  readonly path: string
  readonly env: Environment
  readonly version: string
}

/** Told what is being done, for whoever waits for it. */
export type Progress = (step: string) => void

/** A configuration that is in force, or on its way there. */
export interface Loaded {
  readonly graph: Graph
  readonly settings: Settings
  readonly registry: Registry
  /** Every file it was read from, absolute. */
  readonly files: readonly string[]
  readonly since: Date
}

/** The configuration is right in itself, but cannot be put into practice here and now. */
export class StartError extends ConfigError {
  constructor(problems: readonly Problem[], options: ErrorOptions) {
    super(problems)
    this.cause = options.cause
  }
}

const cannotStart = (cause: unknown): never => {
  throw new StartError(cause instanceof ConfigError ? cause.problems : [{ at: undefined, reason: errorText(cause) }], {
    cause,
  })
}

interface Pending {
  readonly done: Promise<void>
  readonly progress: Set<Progress>
}

/**
 * Keeps one configuration in force and exchanges it for another. Several that were in force before may still be at work on
 * what they began. Loads go one after the other; any number of requests that come during one are met by a single next.
 */
export class Supervisor {
  readonly #host: ProcessHost
  readonly #source: Source
  readonly #retiring = new Set<Promise<void>>()
  /** Called in the tick in which a configuration has come into force. */
  readonly #onLoaded: (loaded: Loaded) => Promise<void> | void
  #current: Loaded | undefined
  #running: Promise<unknown> = Promise.resolve()
  #next: Pending | undefined
  #stopping = false

  constructor(host: ProcessHost, source: Source, onLoaded: (loaded: Loaded) => Promise<void> | void = () => {}) {
    this.#host = host
    this.#source = source
    this.#onLoaded = onLoaded
  }

  get current(): Loaded | undefined {
    return this.#current
  }

  /** How many former configurations are still finishing their work. */
  get retiring(): number {
    return this.#retiring.size
  }

  /**
   * Reads the file and puts it in force. On any error the configuration before goes on as if nothing had been asked; the
   * error has been logged. Throws ConfigError.
   */
  load(progress: Progress = () => {}): Promise<void> {
    if (this.#next === undefined) {
      const listeners = new Set<Progress>()
      const done = this.#running.then(async () => {
        this.#next = undefined // whoever asks from now on may have changed the file since
        await this.#logged((step) => {
          for (const each of listeners) each(step)
        })
      })
      this.#next = { done, progress: listeners }
      this.#running = done.catch(() => {})
    }
    this.#next.progress.add(progress)
    return this.#next.done
  }

  async #logged(progress: Progress): Promise<void> {
    if (this.#stopping) throw new ConfigError(undefined, 'the server is stopping')
    const { log } = this.#host
    try {
      await this.#load(progress)
    } catch (error) {
      const consequence = this.#current ? 'the configuration is not exchanged' : 'the server does not start'
      for (const problem of problemsOf(error)) log.info(`configuration error: ${problem}`)
      log.error(consequence, new Error(`there are errors in ${this.#source.path}`), { stack: mistake(error)?.stack })
      throw error
    }
  }

  async #load(progress: Progress): Promise<void> {
    const { log } = this.#host
    const { path, version } = this.#source
    progress('loading the configuration')
    log.info('loading configuration', { path })
    await using undo = new AsyncDisposableStack()
    const prepared = await this.#prepare(undo)
    log.info('configuration loaded', { path })
    progress('starting')
    const targets = await this.#start(prepared, undo).catch(cannotStart)
    undo.move() // from here on nothing can fail
    const previous = this.#takeOver(prepared, targets)
    await this.#onLoaded(prepared) // the line below says that everything answers, the control socket too
    log.info(previous ? 'new server started' : 'server started', { version })
  }

  /** What can be told without opening or serving anything is told here. */
  async #prepare(undo: AsyncDisposableStack): Promise<Loaded> {
    const { path, env } = this.#source
    const { nodes: written, files, warnings } = await readConfig(path, { env })
    const nodes = withApi(written, env)
    const settings = await soundSettings(nodes, this.#host.options)
    const registry = undo.use(new Registry(moduleFolders(path, settings.directories.state)))
    const host = this.#host.for(settings)
    const previous = this.#current?.graph
    const graph = await Graph.build(nodes, { registry, host, globals, env, ...(previous && { previous }) })
    undo.use(graph)
    await prepareDirectories(settings.directories).catch(cannotStart) // some will look for them
    await graph.inspect()
    for (const warning of [...warnings, ...graph.warnings]) {
      this.#host.log.info(`configuration warning: ${describeProblem(warning)}`)
    }
    return { graph, settings, registry, files, since: new Date() }
  }

  /** Opens everything beside what is open already. */
  async #start({ graph, settings }: Loaded, undo: AsyncDisposableStack): Promise<readonly LogTarget[]> {
    const targets = this.#openLog(settings)
    undo.defer(() => {
      for (const target of targets) target.close?.()
    })
    await graph.start()
    return targets
  }

  #openLog({ log, logNode }: Settings): readonly LogTarget[] {
    const { log: byDefault, startDirectory } = this.#host.options
    try {
      return openTargets(log ?? byDefault, startDirectory)
    } catch (cause) {
      throw new ConfigError(logNode?.name.at, `log cannot be opened: ${errorText(cause)}`, { cause })
    }
  }

  /** In one tick, so that no connection meets half a switch. */
  #takeOver(next: Loaded, targets: readonly LogTarget[]): Loaded | undefined {
    const previous = this.#current
    this.#host.output.use(targets)
    next.graph.serve()
    if (previous) next.graph.adopt(previous.graph)
    this.#current = next
    if (previous) this.#retire(previous)
    return previous
  }

  #retire(former: Loaded): void {
    const retired = close(former, this.#host.listeners.longestGrace).catch((error: unknown) =>
      this.#host.log.error('cannot close a configuration', error),
    )
    this.#retiring.add(retired)
    void retired.then(() => this.#retiring.delete(retired))
  }

  /** Takes nothing on any more, lets sessions and deliveries finish, and closes everything. Resolves when that is done. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#running
    this.#host.listeners.end()
    const last = this.#current
    this.#current = undefined
    if (last) this.#retire(last)
    await Promise.all(this.#retiring)
  }
}

/** How long the work behind the sessions may take once these have ended; milliseconds. */
const margin = 30_000

const close = async ({ graph, registry }: Loaded, grace: number): Promise<void> => {
  using _ = registry
  await using closing = graph // what it opened, last opened first
  await closing.drain(timeLimit(grace + margin))
}

/** What is behind an error when it is no fault of the configuration, but one of a program. */
const mistake = (error: unknown): Error | undefined => {
  if (error instanceof TypeError || error instanceof ReferenceError || error instanceof SyntaxError) return error
  return error instanceof Error ? mistake(error.cause) : undefined
}

/** The files that something is wrong with, absolute. */
export const filesOf = (error: unknown): readonly string[] => {
  if (!(error instanceof ConfigError)) return []
  return [...new Set(error.problems.flatMap(({ at }) => at?.file ?? []))].filter((file) => isAbsolute(file))
}

/** One line for each thing that is wrong. */
export const problemsOf = (error: unknown): readonly string[] =>
  error instanceof ConfigError ? error.problems.map(describeProblem) : [errorText(error)]
