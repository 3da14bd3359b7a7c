import type { FlagState, Mailbox, MailboxChange, UidRange } from '../../core/index.ts'
import { ImapError } from '../../core/kit/imap/error.ts'
import { hasFlag } from '../../core/kit/imap/flags.ts'
import type { Output } from '../../core/kit/imap/output.ts'
import { inRanges, intersectRanges, resolveSet, type SequenceSet } from '../../core/kit/imap/sequence_set.ts'
import { Keywords } from './keywords.ts'
import { changesBetween } from './resync.ts'

/**
 * What one client knows of the mailbox it has selected, and the only place that has sequence numbers: position in `#uids`,
 * plus one. Changes are kept until the client may be told of them (RFC 9051 §5.5), and told in this order: EXPUNGE, FETCH
 * with flags, EXISTS.
 */
export class View {
  #mailbox: Mailbox
  #name: string
  #uids: number[]
  readonly #recent: Set<number>
  readonly keywords: Keywords
  #arrived: number[] = []
  #expunged = new Set<number>()
  #flags = new Map<number, FlagState>()
  #missed = false
  #deleted = false
  /** While it is set, the session's own changes of flags are not told to its client. */
  silent = false
  /** Called when there is something new to tell. */
  onChange: (() => void) | undefined
  /** Called when the mailbox is gone. */
  onDeleted: (() => void) | undefined

  /** A view of what a mailbox was when it was opened. Dispose of the mailbox through the view: `close`. */
  constructor(mailbox: Mailbox) {
    this.#mailbox = mailbox
    this.#name = mailbox.name
    this.#uids = [...mailbox.snapshot.uids]
    this.#recent = new Set(mailbox.snapshot.recent)
    this.keywords = new Keywords(mailbox.snapshot.keywords)
    mailbox.listen((change) => this.#take(change))
  }

  get mailbox(): Mailbox {
    return this.#mailbox
  }

  /** As it is called now. */
  get name(): string {
    return this.#name
  }

  get count(): number {
    return this.#uids.length
  }

  get recentCount(): number {
    return this.#recent.size
  }

  get readOnly(): boolean {
    return this.#mailbox.readOnly
  }

  /** The UIDs known to the client, ascending; position is sequence number less one. */
  get uids(): readonly number[] {
    return this.#uids
  }

  /** True when the client has something to be told. */
  get pending(): boolean {
    return this.#missed || this.#arrived.length > 0 || this.#expunged.size > 0 || this.#flags.size > 0
  }

  close(): Promise<void> {
    this.onChange = undefined
    this.onDeleted = undefined
    return Promise.resolve(this.#mailbox[Symbol.asyncDispose]())
  }

  isRecent(uid: number): boolean {
    return this.#recent.has(uid)
  }

  /** The sequence number of a UID; 0 when the client does not know it. */
  sequenceOf(uid: number): number {
    const at = this.#firstFrom(uid)
    return this.#uids[at] === uid ? at + 1 : 0
  }

  uidOf(sequence: number): number | undefined {
    return this.#uids[sequence - 1]
  }

  /** The position of the first UID that is not smaller. */
  #firstFrom(uid: number): number {
    let [low, high] = [0, this.#uids.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#uids[middle] as number) < uid) low = middle + 1
      else high = middle
    }
    return low
  }

  /**
   * The UIDs a set of sequence numbers or UIDs stands for, in ranges that begin and end with UIDs the client knows. UIDs that
   * it does not know are left out; a sequence number beyond the last throws ImapError.
   */
  resolve(set: SequenceSet, byUid: boolean): readonly UidRange[] {
    if (byUid) return this.#known(resolveSet(set, this.#uids.at(-1) ?? 0))
    if (this.#uids.length === 0 && set.some(({ from, to }) => from === '*' || to === '*')) return []
    const ranges = resolveSet(set, this.#uids.length)
    if ((ranges.at(-1)?.last ?? 0) > this.#uids.length) throw ImapError.bad('No message has that sequence number')
    return this.uidsOf(ranges)
  }

  /** As `resolve`; sequence numbers beyond the last are left out too, as SEARCH wants it. */
  resolveLeniently(set: SequenceSet, byUid: boolean): readonly UidRange[] {
    if (byUid) return this.resolve(set, true)
    const all = [{ first: 1, last: this.#uids.length }]
    return this.uidsOf(intersectRanges(resolveSet(set, this.#uids.length), all))
  }

  /** Ranges of UIDs for ranges of sequence numbers, all of which exist. */
  uidsOf(sequences: readonly UidRange[]): readonly UidRange[] {
    return sequences.map(({ first, last }) => ({
      first: this.#uids[first - 1] as number,
      last: this.#uids[last - 1] as number,
    }))
  }

  #known(ranges: readonly UidRange[]): readonly UidRange[] {
    return ranges.flatMap(({ first, last }) => {
      const from = this.#uids[this.#firstFrom(first)]
      const to = this.#uids[this.#firstFrom(last + 1) - 1]
      return from !== undefined && to !== undefined && from <= to ? [{ first: from, last: to }] : []
    })
  }

  /** How many messages known to the client are within the ranges. */
  countWithin(ranges: readonly UidRange[]): number {
    let count = 0
    for (const { first, last } of ranges) count += this.#firstFrom(last + 1) - this.#firstFrom(first)
    return count
  }

  /** Whether the client is still to be told the flags of a message. */
  owesFlags(uid: number): boolean {
    return this.#flags.has(uid)
  }

  /** Whether that holds for each of the messages. */
  owesAllFlags(ranges: readonly UidRange[]): boolean {
    let owed = 0
    for (const uid of this.#flags.keys()) if (inRanges(ranges, uid)) owed++
    return owed === this.countWithin(ranges)
  }

  /** Whether one of the messages is gone, though its sequence number lives on. */
  hasExpunged(ranges: readonly UidRange[]): boolean {
    for (const uid of this.#expunged) if (inRanges(ranges, uid)) return true
    return false
  }

  #take(change: MailboxChange): void {
    switch (change.type) {
      case 'arrived':
        for (const uid of change.uids) {
          if (uid <= (this.#arrived.at(-1) ?? this.#uids.at(-1) ?? 0)) continue
          this.#arrived.push(uid)
          if (change.recent) this.#recent.add(uid)
        }
        break
      case 'flags':
        for (const state of change.messages) {
          if (!(change.own && this.silent) || this.#flags.has(state.uid)) this.#flags.set(state.uid, state)
        }
        break
      case 'expunged':
        this.#remove(change.uids)
        break
      case 'deleted':
        this.#deleted = true
        this.onDeleted?.()
        return
      case 'resync':
        this.#missed = true
        break
      case 'renamed':
        this.#name = change.name
        return
    }
    this.onChange?.()
  }

  #remove(uids: readonly number[]): void {
    const gone = new Set(uids)
    if (this.#arrived.some((uid) => gone.has(uid))) this.#arrived = this.#arrived.filter((uid) => !gone.has(uid))
    for (const uid of uids) {
      this.#flags.delete(uid)
      if (this.sequenceOf(uid) > 0) this.#expunged.add(uid)
      else this.#recent.delete(uid)
    }
  }

  /** A UID that is gone from the mailbox, though its sequence number lives on. */
  isExpunged(uid: number): boolean {
    return this.#expunged.has(uid)
  }

  /**
   * Opens the mailbox anew after changes were missed, and finds out what they were. `reopen` gives a fresh mailbox. Does
   * nothing otherwise.
   */
  async catchUp(reopen: () => Promise<Mailbox>): Promise<void> {
    if (!this.#missed || this.#deleted) return
    this.#missed = false
    const before = this.#mailbox
    const known = [...this.#uids.filter((uid) => !this.#expunged.has(uid)), ...this.#arrived]
    try {
      await using opened = new AsyncDisposableStack()
      const fresh = opened.use(await reopen())
      const changes = await changesBetween(known, before.snapshot.highestModseq, fresh)
      opened.move()
      this.#mailbox = fresh
      for (const change of changes) this.#take(change)
      fresh.listen((change) => this.#take(change))
    } catch (error) {
      this.#missed = true
      throw error
    }
    await before[Symbol.asyncDispose]()
  }

  /** Tells the client what is new; of messages removed only when `expunges` says that numbers may change now. */
  async tell(out: Output, expunges: boolean): Promise<void> {
    if (expunges && this.#expunged.size > 0) await this.#tellExpunged(out)
    if (this.#flags.size > 0) await this.#tellFlags(out)
    if (this.#arrived.length > 0) this.tellArrived(out)
  }

  async #tellExpunged(out: Output): Promise<void> {
    const expunged = this.#expunged
    this.#expunged = new Set()
    const sequences = [...expunged].map((uid) => this.sequenceOf(uid)).sort((a, b) => b - a)
    this.#uids = this.#uids.filter((uid) => !expunged.has(uid))
    for (const uid of expunged) this.#recent.delete(uid)
    for (const sequence of sequences) {
      out.line(`* ${sequence} EXPUNGE`)
      if (out.full) await out.drain()
    }
  }

  async #tellFlags(out: Output): Promise<void> {
    const flags = this.#flags
    this.#flags = new Map()
    for (const state of flags.values()) {
      const sequence = this.sequenceOf(state.uid)
      if (sequence === 0) continue // not announced yet: the client asks for its flags once it is
      this.tellKeywords(state.flags, out)
      out.line(`* ${sequence} FETCH (FLAGS ${this.formatFlags(state)} UID ${state.uid})`)
      if (out.full) await out.drain()
    }
  }

  /** A flag list as FETCH has it, with \Recent where this session is to see it. */
  formatFlags({ uid, flags }: Pick<FlagState, 'uid' | 'flags'>): string {
    const recent = this.#recent.has(uid) && !hasFlag(flags, '\\Recent')
    return `(${recent ? [...flags, '\\Recent'].join(' ') : flags.join(' ')})`
  }

  /** Lists the flags of the mailbox anew when there is one among these that the client has not heard of. */
  tellKeywords(flags: readonly string[], out: Output): void {
    if (!this.keywords.learn(flags)) return
    out.line(`* FLAGS ${this.keywords.flags}`)
    if (!this.readOnly) out.line(`* OK [PERMANENTFLAGS ${this.keywords.permanentFlags}] Flags permitted`)
  }

  /** EXISTS and RECENT, which may be sent at any time. */
  tellArrived(out: Output): void {
    if (this.#arrived.length === 0) return
    for (const uid of this.#arrived) this.#uids.push(uid)
    this.#arrived = []
    out.line(`* ${this.#uids.length} EXISTS`)
    out.line(`* ${this.#recent.size} RECENT`)
  }
}
