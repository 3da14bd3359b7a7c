import type { FlagState, Logger, MailboxChange } from '../../../core/index.ts'
import type { MailboxEvent } from './changes.ts'
import type { Engine } from './engine.ts'
import { changedSince } from './reading/since.ts'
import { safely } from './safely.ts'

/**
 * Follows a mailbox from a snapshot on. Each event says between which two mod-sequences it lies: one that ends before
 * where we are was in the snapshot, or has been read, already; one that begins after it shows that others have written,
 * and then what happened is read from the database. So nothing is told twice, and nothing is lost.
 */
export class Follower {
  readonly #engine: Engine
  readonly #mailbox: number
  readonly #session: number
  readonly #log: Logger
  #modseq = 0
  #uidNext = 0
  /** Set while the database is being read; events wait. */
  #reading: Promise<void> | undefined
  #again = false
  readonly #waiting: (() => void)[] = []
  #listener: ((change: MailboxChange) => void) | undefined
  readonly #untold: MailboxChange[] = []

  constructor(engine: Engine, { mailbox, session, log }: { mailbox: number; session: number; log: Logger }) {
    this.#engine = engine
    this.#mailbox = mailbox
    this.#session = session
    this.#log = log
  }

  /** Reads the snapshot that everything told afterwards builds on; events that come meanwhile wait. */
  async begin<T extends { highestModseq: number; uidNext: number } | undefined>(read: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#reading = promise
    try {
      const snapshot = await read()
      this.#modseq = snapshot?.highestModseq ?? 0
      this.#uidNext = snapshot?.uidNext ?? 0
      return snapshot
    } finally {
      this.#reading = undefined
      this.#drain()
      resolve()
    }
  }

  listen(listener: (change: MailboxChange) => void): void {
    this.#listener = listener
    for (const change of this.#untold.splice(0)) this.tell(change)
  }

  /** Resolves when all that is known to have happened has been told. */
  async settled(): Promise<void> {
    while (this.#reading) await this.#reading
  }

  tell(change: MailboxChange): void {
    if (!this.#listener) this.#untold.push(change)
    else safely(() => this.#listener?.(change), this.#log)
  }

  apply(event: MailboxEvent, recent: boolean): void {
    if (this.#reading) this.#waiting.push(() => this.apply(event, recent))
    else if (event.from === this.#modseq) this.#follow(event, recent)
    else if (event.to > this.#modseq) this.reread()
  }

  /** Looks what others have changed. */
  reread(): void {
    this.#again = true
    if (this.#reading) {
      this.#waiting.push(() => this.#again && this.reread())
      return
    }
    this.#again = false
    this.#reading = this.#catchUp()
      .catch((error) => this.#log.error('changes of a mailbox not read', error, { mbox_id: this.#mailbox }))
      .finally(() => {
        this.#reading = undefined
        this.#drain()
      })
  }

  #drain(): void {
    for (const next of this.#waiting.splice(0)) next()
  }

  #follow(event: MailboxEvent, recent: boolean): void {
    this.#modseq = event.to
    const own = event.origin === this.#session
    if (event.type === 'arrived') {
      this.#uidNext = Math.max(this.#uidNext, (event.uids.at(-1) ?? 0) + 1)
      this.tell({ type: 'arrived', own, uids: event.uids, recent })
    } else if (event.type === 'flags') {
      this.tell({ type: 'flags', own, messages: event.messages })
    } else {
      this.tell({ type: 'expunged', own, uids: event.uids, modseq: event.to })
    }
  }

  async #catchUp(): Promise<void> {
    const since = await this.#engine.read((db) => changedSince(db, this.#mailbox, this.#modseq))
    if (!since) {
      this.tell({ type: 'deleted' })
      return
    }
    const known = (uid: number): boolean => uid < this.#uidNext
    const arrived = since.changed.filter(({ uid }) => !known(uid)).map(({ uid }) => uid)
    const messages: FlagState[] = since.changed.filter(({ uid }) => known(uid))
    const expunged = since.expunged.filter(known)
    this.#modseq = since.modseq
    this.#uidNext = since.uidNext
    if (since.incomplete) {
      this.tell({ type: 'resync' })
      return
    }
    if (expunged.length > 0) this.tell({ type: 'expunged', own: false, uids: expunged, modseq: since.modseq })
    if (messages.length > 0) this.tell({ type: 'flags', own: false, messages })
    if (arrived.length > 0) this.tell({ type: 'arrived', own: false, uids: arrived, recent: false })
  }
}
