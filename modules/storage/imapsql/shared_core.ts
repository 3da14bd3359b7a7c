import type { Logger } from '../../../core/index.ts'
import { Changes } from './changes.ts'
import type { Engine } from './engine.ts'
import type { Hears, Updates } from './updates/updates.ts'

interface Whose {
  readonly account: number
  readonly name: string
}

/** What all storages of this process on one database share: also the old and the new one while a reload goes on. */
export class SharedCore implements AsyncDisposable {
  readonly engine: Engine
  readonly changes: Changes
  readonly #log: Logger
  readonly #noticed = new Set<number>()
  #updates: Updates | undefined

  private constructor(engine: Engine, changes: Changes, log: Logger) {
    this.engine = engine
    this.changes = changes
    this.#log = log
  }

  static async open<E extends Engine>(
    openEngine: (changes: Changes) => Promise<E>,
    openUpdates: (hears: Hears, engine: E) => Promise<Updates>,
    log: Logger,
  ): Promise<SharedCore> {
    const changes = new Changes(log)
    const engine = await openEngine(changes)
    const core = new SharedCore(engine, changes, log)
    try {
      const updates = await openUpdates(core.#hears, engine)
      core.#updates = updates
      changes.relayTo((event) => updates.send(event))
      changes.followBy((mailbox, open) => updates.follow?.(mailbox, open))
      return core
    } catch (error) {
      await core[Symbol.asyncDispose]()
      throw error
    }
  }

  readonly #hears: Hears = {
    mailbox: (id, now) => this.#look(id, now),
    event: (event) => this.changes.apply(event),
    everything: () => this.changes.rereadAll(),
  }

  /** Much that is told about one mailbox is read as one change. */
  #look(mailbox: number, now: Whose | undefined): void {
    if (this.#noticed.has(mailbox)) return
    this.#noticed.add(mailbox)
    setImmediate(() => {
      this.#noticed.delete(mailbox)
      if (now) this.changes.outside(mailbox, now)
      else this.#ask(mailbox).catch((error) => this.#log.error('changes of a mailbox not read', error))
    })
  }

  async #ask(mailbox: number): Promise<void> {
    const [row] = await this.engine.query<[number, string]>('SELECT uid, name FROM mboxes WHERE id = $1', [mailbox])
    this.changes.outside(mailbox, row && { account: row[0], name: row[1] })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#updates?.[Symbol.asyncDispose]()
    await this.engine[Symbol.asyncDispose]()
  }
}
