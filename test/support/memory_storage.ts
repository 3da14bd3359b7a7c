import { setImmediate as nextTurn } from 'node:timers/promises'
import { hasFlag } from '../../core/kit/imap/flags.ts'
import { bytesOf, memoryBody } from '../../core/kit/message/body.ts'
import { type Description, describeBytes } from '../../core/kit/message/content.ts'
import type { Body } from '../../core/kit/message/message.ts'
import {
  type Account,
  type AccountChange,
  type AccountQuota,
  type Accounts,
  type Appended,
  type Conditions,
  type Copied,
  type FlagState,
  type Folder,
  type Mailbox,
  type MailboxChange,
  type MailboxEntry,
  type MailboxStatus,
  type Needs,
  type NewMessage,
  type Snapshot,
  type SpecialUse,
  StorageError,
  type StoredMessage,
  type UidRange,
} from '../../core/mail/storage.ts'

export interface MemoryStorageOptions {
  /** The largest message, in bytes. */
  readonly appendLimit?: number
  /** Bytes an account may hold. */
  readonly quota?: number
}

/** Mailboxes that live as long as the process: all that a storage is to do, and nothing that lasts. */
export class MemoryStorage implements Accounts {
  readonly specialFolders: readonly Folder[] = []
  readonly options: MemoryStorageOptions
  readonly #accounts = new Map<string, MemoryAccount>()

  constructor(options: MemoryStorageOptions = {}) {
    this.options = options
  }

  async open(username: string): Promise<MemoryAccount> {
    const known = this.#accounts.get(username.toLowerCase())
    if (known) return known
    const account = new MemoryAccount(username, this.options)
    this.#accounts.set(username.toLowerCase(), account)
    return account
  }

  async list(): Promise<readonly string[]> {
    return [...this.#accounts.values()].map(({ name }) => name)
  }

  async find(username: string): Promise<MemoryAccount | undefined> {
    return this.#accounts.get(username.toLowerCase())
  }

  async create(username: string, folders: readonly Folder[]): Promise<void> {
    if (this.#accounts.has(username.toLowerCase())) throw new StorageError('exists', 'account exists')
    const account = await this.open(username)
    for (const { name, specialUse } of folders) await account.create(name, specialUse)
  }

  async delete(username: string): Promise<void> {
    const account = await this.find(username)
    if (!account) throw new StorageError('missing', 'no such account')
    this.#accounts.delete(username.toLowerCase())
    account.end()
  }
}

interface Stored {
  readonly uid: number
  readonly content: Buffer
  readonly internalDate: number
  flags: readonly string[]
  modseq: number
  recent: boolean
  described?: Description
}

/** What is stored of a mailbox, and who has it open. */
class Box {
  readonly id: number
  name: string
  subscribed = true
  readonly specialUse: SpecialUse | undefined
  readonly uidValidity: number
  uidNext = 1
  modseq = 1
  /** Ascending. */
  messages: Stored[] = []
  readonly sessions = new Set<MemoryMailbox>()
  /** While set, nobody is told of changes. */
  mute = false

  constructor(id: number, name: string, specialUse: SpecialUse | undefined) {
    this.id = id
    this.name = name
    this.specialUse = specialUse
    this.uidValidity = 1000 + id
  }

  tell(change: MailboxChange, origin?: MemoryMailbox): void {
    if (this.mute) return
    for (const session of this.sessions) {
      session.take('own' in change ? { ...change, own: session === origin } : change)
    }
  }

  /** Adds messages; the first session that may sees them as recent, and if there is none, the next that opens it. */
  add(news: readonly Omit<Stored, 'uid' | 'modseq' | 'recent'>[], recent: boolean, origin?: MemoryMailbox): number[] {
    const modseq = ++this.modseq
    const first = [...this.sessions].find(({ readOnly }) => !readOnly)
    const uids = news.map((message) => {
      const uid = this.uidNext++
      this.messages.push({ ...message, uid, modseq, recent: recent && !first })
      return uid
    })
    if (this.mute || uids.length === 0) return uids
    for (const session of this.sessions) {
      session.take({ type: 'arrived', own: session === origin, uids, recent: recent && session === first })
    }
    return uids
  }

  within(ranges: readonly UidRange[]): Stored[] {
    return ranges.flatMap(({ first, last }) => this.messages.slice(this.#from(first), this.#from(last + 1)))
  }

  #from(uid: number): number {
    let [low, high] = [0, this.messages.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.messages[middle]?.uid ?? 0) < uid) low = middle + 1
      else high = middle
    }
    return low
  }

  remove(gone: ReadonlySet<number>, origin?: MemoryMailbox): void {
    if (gone.size === 0) return
    this.messages = this.messages.filter(({ uid }) => !gone.has(uid))
    this.tell({ type: 'expunged', own: false, uids: [...gone], modseq: ++this.modseq }, origin)
  }
}

export class MemoryAccount implements Account {
  readonly name: string
  readonly #options: MemoryStorageOptions
  readonly #gone = new AbortController()
  readonly #boxes: Box[] = []
  readonly #watchers = new Set<(change: AccountChange) => void>()
  #nextId = 1
  #limit: number | null = null

  constructor(name: string, options: MemoryStorageOptions) {
    this.name = name
    this.#options = options
    this.#boxes.push(new Box(this.#nextId++, 'INBOX', undefined))
  }

  get gone(): AbortSignal {
    return this.#gone.signal
  }

  end(): void {
    this.#gone.abort()
  }

  box(name: string): Box {
    const box = this.#boxes.find((each) => each.name === name)
    if (!box) throw new StorageError('missing', 'no such mailbox')
    return box
  }

  #changed(change: AccountChange): void {
    for (const watcher of this.#watchers) watcher(change)
  }

  async mailboxes(): Promise<readonly MailboxEntry[]> {
    return this.#boxes.map(({ id, name, subscribed, specialUse }) => ({ id, name, subscribed, specialUse }))
  }

  async status(mailbox: string): Promise<MailboxStatus> {
    const { id, messages, uidNext, uidValidity, modseq } = this.box(mailbox)
    const count = (test: (message: Stored) => boolean) => messages.filter(test).length
    return {
      id,
      messages: messages.length,
      recent: count(({ recent }) => recent),
      unseen: count(({ flags }) => !hasFlag(flags, '\\Seen')),
      deleted: count(({ flags }) => hasFlag(flags, '\\Deleted')),
      size: messages.reduce((sum, { content }) => sum + content.length, 0),
      uidNext,
      uidValidity,
      highestModseq: modseq,
      appendLimit: await this.appendLimit(mailbox),
    }
  }

  async create(mailbox: string, specialUse?: SpecialUse): Promise<MailboxEntry> {
    if (mailbox.split('.').includes('') || /\p{Cc}/u.test(mailbox)) throw new StorageError('name', 'no name')
    if (this.#boxes.some(({ name }) => name === mailbox)) throw new StorageError('exists', 'mailbox exists')
    if (specialUse && this.#boxes.some((box) => box.specialUse === specialUse)) {
      throw new StorageError('special_use', 'special use is taken')
    }
    this.#makeParents(mailbox)
    return this.#make(mailbox, specialUse)
  }

  #makeParents(mailbox: string): void {
    const levels = mailbox.split('.')
    for (let depth = 1; depth < levels.length; depth++) {
      const parent = levels.slice(0, depth).join('.')
      if (!this.#boxes.some(({ name }) => name === parent)) this.#make(parent, undefined)
    }
  }

  #make(name: string, specialUse: SpecialUse | undefined): MailboxEntry {
    const box = new Box(this.#nextId++, name, specialUse)
    this.#boxes.push(box)
    this.#changed({ type: 'created', mailbox: name })
    return { id: box.id, name, subscribed: true, specialUse }
  }

  async delete(mailbox: string): Promise<void> {
    if (mailbox === 'INBOX') throw new StorageError('inbox', 'INBOX stays')
    const box = this.box(mailbox)
    this.#boxes.splice(this.#boxes.indexOf(box), 1)
    box.tell({ type: 'deleted' })
    this.#changed({ type: 'deleted', mailbox })
  }

  async rename(from: string, to: string): Promise<void> {
    const box = this.box(from)
    if (to.split('.').includes('') || to.startsWith(`${from}.`)) throw new StorageError('name', 'no name')
    if (this.#boxes.some(({ name }) => name === to)) throw new StorageError('exists', 'mailbox exists')
    this.#makeParents(to)
    const children = from === 'INBOX' ? [] : this.#boxes.filter(({ name }) => name.startsWith(`${from}.`))
    for (const each of [box, ...children]) {
      each.name = to + each.name.slice(from.length)
      each.tell({ type: 'renamed', name: each.name })
    }
    if (from === 'INBOX') this.#boxes.push(new Box(this.#nextId++, 'INBOX', undefined))
    this.#changed({ type: 'renamed', from, to })
  }

  async subscribe(mailbox: string, subscribed: boolean): Promise<void> {
    this.box(mailbox).subscribed = subscribed
    this.#changed({ type: 'subscription', mailbox })
  }

  async appendLimit(mailbox?: string): Promise<number | undefined> {
    if (mailbox !== undefined) this.box(mailbox)
    return this.#limit ?? this.#options.appendLimit
  }

  async ownAppendLimit(): Promise<number | null> {
    return this.#limit
  }

  async setAppendLimit(bytes: number | null): Promise<void> {
    this.#limit = bytes
  }

  async append(mailbox: string, messages: readonly NewMessage[]): Promise<Appended> {
    const limit = await this.appendLimit(mailbox)
    if (messages.some(({ content }) => limit !== undefined && content.size > limit)) {
      throw new StorageError('too_big', 'too big')
    }
    const news: Omit<Stored, 'uid' | 'modseq' | 'recent'>[] = []
    for (const { content, flags, internalDate } of messages) {
      news.push({ content: Buffer.from(await bytesOf(content)), flags: [...new Set(flags)], internalDate })
    }
    this.room(news.reduce((sum, { content }) => sum + content.length, 0))
    const box = this.box(mailbox)
    const uids = box.add(news, true)
    this.#changed({ type: 'status', mailbox })
    return { uidValidity: box.uidValidity, uids }
  }

  get #used(): number {
    return this.#boxes.flatMap(({ messages }) => messages).reduce((sum, { content }) => sum + content.length, 0)
  }

  async quota(): Promise<AccountQuota> {
    return { used: this.#used, limit: this.#options.quota ?? 0 }
  }

  async deletedSize(mailbox: string): Promise<number> {
    const deleted = this.box(mailbox).messages.filter(({ flags }) => hasFlag(flags, '\\Deleted'))
    return deleted.reduce((sum, { content }) => sum + content.length, 0)
  }

  /** Throws when so many bytes more would be too many. */
  room(bytes: number): void {
    const { quota } = this.#options
    const used = this.#used
    if (quota !== undefined && used + bytes > quota) throw new StorageError('over_quota', 'quota exceeded')
  }

  async select(mailbox: string, options: { readonly readOnly: boolean }): Promise<Mailbox> {
    return new MemoryMailbox(this, this.box(mailbox), options.readOnly)
  }

  /** Has its sessions miss what `work` does to a mailbox, and then tells them so. */
  async unseen(mailbox: string, work: () => Promise<void>): Promise<void> {
    const box = this.box(mailbox)
    box.mute = true
    await work()
    box.mute = false
    box.tell({ type: 'resync' })
  }

  watch(listener: (change: AccountChange) => void): Disposable {
    this.#watchers.add(listener)
    return { [Symbol.dispose]: () => void this.#watchers.delete(listener) }
  }
}

/** So many messages are handed out before others get a turn. */
const page = 256

class MemoryMailbox implements Mailbox {
  readonly #account: MemoryAccount
  readonly #box: Box
  readonly readOnly: boolean
  readonly snapshot: Snapshot
  #kept: MailboxChange[] = []
  #listener: ((change: MailboxChange) => void) | undefined

  constructor(account: MemoryAccount, box: Box, readOnly: boolean) {
    this.#account = account
    this.#box = box
    this.readOnly = readOnly
    const { messages, uidNext, modseq } = box
    this.snapshot = {
      uids: messages.map(({ uid }) => uid),
      uidNext,
      highestModseq: modseq,
      recent: new Set(messages.filter(({ recent }) => recent).map(({ uid }) => uid)),
      firstUnseen: messages.find(({ flags }) => !hasFlag(flags, '\\Seen'))?.uid,
      keywords: [...new Set(messages.flatMap(({ flags }) => flags.filter((flag) => !flag.startsWith('\\'))))],
    }
    if (!readOnly) for (const message of messages) message.recent = false
    box.sessions.add(this)
  }

  get id(): number {
    return this.#box.id
  }

  get name(): string {
    return this.#box.name
  }

  get uidValidity(): number {
    return this.#box.uidValidity
  }

  take(change: MailboxChange): void {
    if (this.#listener) this.#listener(change)
    else this.#kept.push(change)
  }

  listen(listener: (change: MailboxChange) => void): void {
    this.#listener = listener
    for (const change of this.#kept) listener(change)
    this.#kept = []
  }

  async *messages(uids: readonly UidRange[], needs: Needs): AsyncIterable<StoredMessage> {
    let at = 0
    for (const { uid } of this.#box.within(uids)) {
      if (++at % page === 0) await nextTurn()
      const [message] = this.#box.within([{ first: uid, last: uid }])
      if (message) yield this.#row(message, needs)
    }
  }

  #row(message: Stored, { header, structure }: Needs): StoredMessage {
    const { uid, flags, modseq, internalDate, content } = message
    if (header || structure) message.described ??= describeBytes(content)
    const { described } = message
    return {
      uid,
      flags,
      modseq,
      internalDate,
      size: content.length,
      ...(header && described && { header: described.cachedHeader }),
      ...(structure && described && { structure: described.structure }),
    }
  }

  async find(conditions: Conditions): Promise<readonly number[]> {
    await nextTurn()
    const { uids, flagged = [], unflagged = [], since, before, larger, smaller, modseq } = conditions
    return (uids ? this.#box.within(uids) : this.#box.messages)
      .filter(
        (message) =>
          flagged.every((flag) => hasFlag(message.flags, flag)) &&
          unflagged.every((flag) => !hasFlag(message.flags, flag)) &&
          message.internalDate >= (since ?? Number.NEGATIVE_INFINITY) &&
          message.internalDate < (before ?? Number.POSITIVE_INFINITY) &&
          message.content.length > (larger ?? -1) &&
          message.content.length < (smaller ?? Number.POSITIVE_INFINITY) &&
          message.modseq >= (modseq ?? 0),
      )
      .map(({ uid }) => uid)
  }

  async content(uid: number): Promise<Body> {
    await nextTurn()
    const [message] = this.#box.within([{ first: uid, last: uid }])
    if (!message) throw new StorageError('expunged', 'message is gone')
    return memoryBody(message.content)
  }

  async store(
    uids: readonly UidRange[],
    mode: 'add' | 'remove' | 'replace',
    flags: readonly string[],
    unchangedSince = Number.POSITIVE_INFINITY,
  ): Promise<{ changed: readonly FlagState[]; modified: readonly number[] }> {
    this.#writable()
    const modseq = this.#box.modseq + 1
    const changed: FlagState[] = []
    const modified: number[] = []
    for (const message of this.#box.within(uids)) {
      if (message.modseq > unchangedSince) {
        modified.push(message.uid)
        continue
      }
      const next = apply(message.flags, mode, flags)
      if (next.length === message.flags.length && next.every((flag) => hasFlag(message.flags, flag))) continue
      message.flags = next
      message.modseq = modseq
      changed.push({ uid: message.uid, flags: next, modseq })
    }
    if (changed.length > 0) {
      this.#box.modseq = modseq
      this.#box.tell({ type: 'flags', own: false, messages: changed }, this)
    }
    return { changed, modified }
  }

  #writable(): void {
    if (this.readOnly) throw new StorageError('read_only', 'opened in read-only mode')
  }

  async copy(uids: readonly UidRange[], to: string): Promise<Copied> {
    const target = this.#account.box(to)
    const sources = this.#box.within(uids)
    this.#account.room(sources.reduce((sum, { content }) => sum + content.length, 0))
    return this.#copied(target, sources)
  }

  async move(uids: readonly UidRange[], to: string): Promise<Copied> {
    this.#writable()
    const target = this.#account.box(to)
    const copied = this.#copied(target, this.#box.within(uids))
    this.#box.remove(new Set(copied.source), this)
    return copied
  }

  #copied(target: Box, sources: readonly Stored[]): Copied {
    const news = sources.map(({ content, internalDate, flags }) => ({ content, internalDate, flags }))
    const uids = target.add(news, false, target === this.#box ? this : undefined)
    return { uidValidity: target.uidValidity, source: sources.map(({ uid }) => uid), target: uids }
  }

  async expunge(uids?: readonly UidRange[]): Promise<readonly number[]> {
    this.#writable()
    const among = uids ? this.#box.within(uids) : this.#box.messages
    const gone = among.filter(({ flags }) => hasFlag(flags, '\\Deleted')).map(({ uid }) => uid)
    this.#box.remove(new Set(gone), this)
    return gone
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#box.sessions.delete(this)
  }
}

const apply = (before: readonly string[], mode: 'add' | 'remove' | 'replace', flags: readonly string[]): string[] => {
  const known = (flag: string): string => before.find((each) => each.toLowerCase() === flag.toLowerCase()) ?? flag
  if (mode === 'replace') return [...new Set(flags.map(known))]
  if (mode === 'add') return [...new Set([...before, ...flags.map(known)])]
  return before.filter((flag) => !hasFlag(flags, flag))
}
