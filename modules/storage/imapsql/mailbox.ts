import type {
  Body,
  Conditions,
  Copied,
  FlagState,
  Logger,
  Mailbox,
  MailboxChange,
  Needs,
  Snapshot,
  StoredMessage,
  UidRange,
} from '../../../core/index.ts'
import { StorageError } from '../../../core/index.ts'
import type { Bodies } from './bodies/bodies.ts'
import type { Changes, MailboxEvent, OpenView } from './changes.ts'
import type { Engine } from './engine.ts'
import { Follower } from './follower.ts'
import { normalRanges, slices } from './ranges.ts'
import { findMessages } from './reading/find.ts'
import { readMessages } from './reading/messages.ts'
import type { MailboxState } from './reading/snapshot.ts'
import { readSnapshot } from './reading/snapshot.ts'

/** What mailboxes and accounts of one storage work with. */
export interface Parts {
  readonly engine: Engine
  readonly changes: Changes
  readonly bodies: Bodies
  readonly log: Logger
  /** Messages stay \Recent for every session, instead of being so for the first one only. */
  readonly recentForAll: boolean
  /** The largest message APPEND may bring, in bytes. */
  readonly appendLimit: number
}

/** UIDs changed or removed by one operation, so that no session keeps the others waiting for long. */
const slice = 5000

export class OpenMailbox implements Mailbox, OpenView {
  readonly id: number
  readonly account: number
  readonly readOnly: boolean
  readonly #parts: Parts
  readonly #session: number
  readonly #follower: Follower
  #registered: Disposable | undefined
  #state: MailboxState | undefined
  #name = ''

  private constructor(parts: Parts, account: number, id: number, readOnly: boolean) {
    this.id = id
    this.account = account
    this.readOnly = readOnly
    this.#parts = parts
    this.#session = parts.changes.nextSession()
    this.#follower = new Follower(parts.engine, { mailbox: id, session: this.#session, log: parts.log })
  }

  /** Undefined when the mailbox does not exist. */
  static async open(parts: Parts, account: number, id: number, readOnly: boolean): Promise<OpenMailbox | undefined> {
    const mailbox = new OpenMailbox(parts, account, id, readOnly)
    mailbox.#registered = parts.changes.add(mailbox)
    try {
      mailbox.#state = await mailbox.#follower.begin(() => mailbox.#read())
    } catch (error) {
      mailbox.#registered[Symbol.dispose]()
      throw error
    }
    if (!mailbox.#state) {
      mailbox.#registered[Symbol.dispose]()
      return undefined
    }
    mailbox.#name = mailbox.#state.name
    return mailbox
  }

  async #read(): Promise<MailboxState | undefined> {
    const { changes, engine, recentForAll } = this.#parts
    await changes.followed(this.id)
    const recent = recentForAll ? 'all' : await this.#claimRecent()
    return engine.scan((db) => readSnapshot(db, this.id, recent))
  }

  /** A session that only looks is shown the messages that are \Recent, and leaves them so for the next. */
  async #claimRecent(): Promise<'all' | ReadonlySet<number>> {
    if (this.readOnly) return 'all'
    const { engine } = this.#parts
    const [row] = await engine.query<[number]>('SELECT recent FROM tsmaddy_mboxes WHERE mboxid = $1', [this.id])
    return new Set(row && row[0] > 0 ? await engine.run('claimRecent', { mailbox: this.id }) : [])
  }

  get #opened(): MailboxState {
    if (!this.#state) throw new Error('the mailbox is not open yet')
    return this.#state
  }

  get name(): string {
    return this.#name
  }

  get uidValidity(): number {
    return this.#opened.uidValidity
  }

  get snapshot(): Snapshot {
    return this.#opened
  }

  listen(listener: (change: MailboxChange) => void): void {
    this.#follower.listen(listener)
  }

  apply(event: MailboxEvent, tellsRecent: boolean): void {
    this.#follower.apply(event, tellsRecent)
  }

  renamed(name: string): void {
    if (name === this.#name) return
    this.#name = name
    this.#follower.tell({ type: 'renamed', name })
  }

  deleted(): void {
    this.#follower.tell({ type: 'deleted' })
  }

  reread(): void {
    this.#follower.reread()
  }

  messages(uids: readonly UidRange[], needs: Needs): AsyncIterable<StoredMessage> {
    return readMessages(this.#parts.engine, this.id, uids, needs)
  }

  find(conditions: Conditions): Promise<readonly number[]> {
    return findMessages(this.#parts.engine, this.id, conditions)
  }

  content(uid: number): Promise<Body> {
    return this.#parts.bodies.read(this.id, uid)
  }

  async store(
    uids: readonly UidRange[],
    mode: 'add' | 'remove' | 'replace',
    flags: readonly string[],
    unchangedSince?: number,
  ): Promise<{ changed: readonly FlagState[]; modified: readonly number[] }> {
    this.#forWriting()
    const changed: FlagState[] = []
    const modified: number[] = []
    for (const ranges of await this.#slices(uids)) {
      const done = await this.#parts.engine.run('storeFlags', {
        mailbox: this.id,
        uids: ranges,
        mode,
        flags,
        unchangedSince,
        origin: this.#session,
      })
      for (const state of done.changed) changed.push(state)
      for (const uid of done.modified) modified.push(uid)
    }
    await this.#follower.settled()
    return { changed, modified }
  }

  copy(uids: readonly UidRange[], to: string): Promise<Copied> {
    return this.#copy('copy', uids, to)
  }

  move(uids: readonly UidRange[], to: string): Promise<Copied> {
    this.#forWriting()
    return this.#copy('move', uids, to)
  }

  async #copy(how: 'copy' | 'move', uids: readonly UidRange[], to: string): Promise<Copied> {
    const open = this.#parts.changes.openIn([this.account])
    const args = { mailbox: this.id, uids, to, origin: this.#session, open }
    const copied = await this.#parts.engine.run(how, args)
    await this.#follower.settled()
    return copied
  }

  async expunge(uids?: readonly UidRange[]): Promise<readonly number[]> {
    this.#forWriting()
    const removed: number[] = []
    for (const ranges of uids ? await this.#slices(uids) : [null]) {
      for (let more = true; more; ) {
        const done = await this.#parts.engine.run('expunge', { mailbox: this.id, uids: ranges, origin: this.#session })
        for (const uid of done.uids) removed.push(uid)
        await this.#parts.bodies.remove(done.keys)
        more = done.more
      }
    }
    await this.#follower.settled()
    return removed
  }

  #forWriting(): void {
    if (this.readOnly) throw new StorageError('read_only', 'The mailbox is open for reading only')
  }

  async #slices(uids: readonly UidRange[]): Promise<UidRange[][]> {
    const [row] = await this.#parts.engine.query<[number]>('SELECT uidnext FROM mboxes WHERE id = $1', [this.id])
    if (!row) throw new StorageError('missing', 'The mailbox does not exist')
    return slices(normalRanges(uids, row[0] - 1), slice)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#registered?.[Symbol.dispose]()
  }
}
