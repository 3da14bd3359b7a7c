import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from '../../../core/index.ts'
import { Changes } from './changes.ts'
import type { Engine, OnEvent } from './engine.ts'
import { UpdatePipe } from './updates/pipe.ts'
import type { Notice } from './updates/record.ts'
import { fromLine, gapLine, toLines } from './updates/record.ts'

/** What all storages of this process on one database share: also the old and the new one while a reload goes on. */
export class SharedCore implements AsyncDisposable {
  readonly engine: Engine
  readonly changes: Changes
  readonly #pipe: UpdatePipe
  readonly #log: Logger
  readonly #noticed = new Set<number>()

  private constructor(engine: Engine, changes: Changes, pipe: UpdatePipe, log: Logger) {
    this.engine = engine
    this.changes = changes
    this.#pipe = pipe
    this.#log = log
  }

  static async open(
    openEngine: (onEvent: OnEvent) => Promise<Engine>,
    { dsn, runtime, log }: { dsn: string; runtime: string; log: Logger },
  ): Promise<SharedCore> {
    const changes = new Changes(log)
    const engine = await openEngine(changes.committed)
    const self = `${process.pid}-${randomBytes(8).toString('hex')}`
    let onLine = (_line: string): void => undefined
    const pipe = await UpdatePipe.open({
      path: join(runtime, `sql-${createHash('sha1').update(dsn).digest('hex')}.sock`),
      onLine: (line) => onLine(line),
      onGap: () => changes.rereadAll(),
      gapLine: gapLine(self),
      log,
    })
    const core = new SharedCore(engine, changes, pipe, log)
    onLine = (line) => core.#notice(fromLine(line, self))
    changes.relayTo((event) => pipe.send(() => toLines(self, event)))
    return core
  }

  #notice(notice: Notice | undefined): void {
    if (!notice) return
    if ('event' in notice) this.changes.apply(notice.event)
    else if ('everything' in notice) this.changes.rereadAll()
    else this.#look(notice.mailbox)
  }

  /** Many lines about one mailbox are read as one change. */
  #look(mailbox: number): void {
    if (this.#noticed.has(mailbox)) return
    this.#noticed.add(mailbox)
    setImmediate(() => {
      this.#noticed.delete(mailbox)
      this.#changed(mailbox).catch((error) => this.#log.error('changes of a mailbox not read', error))
    })
  }

  async #changed(mailbox: number): Promise<void> {
    const [row] = await this.engine.query<[number, string]>('SELECT uid, name FROM mboxes WHERE id = $1', [mailbox])
    this.changes.outside(mailbox, row && { account: row[0], name: row[1] })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pipe[Symbol.asyncDispose]()
    await this.engine[Symbol.asyncDispose]()
  }
}
