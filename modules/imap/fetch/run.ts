import { type FlagState, StorageError, type StoredMessage, type UidRange } from '../../../core/index.ts'
import type { ImapError } from '../../../core/kit/imap/error.ts'
import { hasFlag } from '../../../core/kit/imap/flags.ts'
import { toRanges } from '../../../core/kit/imap/sequence_set.ts'
import { describeContent } from '../../../core/kit/message/content.ts'
import type { Body } from '../../../core/kit/message/message.ts'
import type { Completion } from '../command.ts'
import { failureOf, someGone } from '../failure.ts'
import type { Session } from '../session.ts'
import { flagsItem } from './items.ts'
import type { FetchAttribute, FetchedMessage } from './message.ts'

/** So many messages are marked \Seen with one change of the storage. */
const page = 32

/**
 * Answers FETCH for messages by UID, as they come from the storage. Those that another session has removed are left out, and
 * the completion tells so; those that cannot be read are left out too, but then, at the end, ImapError is thrown.
 */
export async function fetchMessages(
  session: Session,
  ranges: readonly UidRange[],
  items: readonly FetchAttribute[],
): Promise<Completion | undefined> {
  const { view } = session
  const fetching = new Fetching(session, items)
  const marking = items.some((item) => item.marksSeen) && !view.readOnly
  const expected = view.countWithin(ranges)
  let waiting: StoredMessage[] = []
  for await (const message of view.mailbox.messages(ranges, fetching.needs)) {
    if (!marking) {
      const writing = fetching.answer(message, false)
      if (writing) await writing
      continue
    }
    waiting.push(message)
    if (waiting.length < page) continue
    await fetching.answerMarked(waiting)
    waiting = []
  }
  await fetching.answerMarked(waiting)
  return fetching.conclude(expected)
}

/** One FETCH command at work. */
class Fetching {
  readonly #session: Session
  readonly #items: readonly FetchAttribute[]
  readonly needs: { readonly header: boolean; readonly structure: boolean }
  readonly #needsContent: boolean
  #answered = 0
  #failure: ImapError | undefined

  constructor(session: Session, items: readonly FetchAttribute[]) {
    this.#session = session
    this.#items = items
    this.#needsContent = items.some(({ needs }) => needs.content)
    this.needs = {
      header: items.some(({ needs }) => needs.header),
      structure: items.some(({ needs }) => needs.structure),
    }
  }

  /** Marks messages as \Seen, as far as they are not, and answers them: with FLAGS where that changed them. */
  async answerMarked(messages: readonly StoredMessage[]): Promise<void> {
    const { view } = this.#session
    const fresh = messages.filter(({ flags }) => !hasFlag(flags, '\\Seen')).map(({ uid }) => uid)
    const marked = new Map<number, FlagState>()
    if (fresh.length > 0) {
      view.silent = true
      try {
        const { changed } = await view.mailbox.store(toRanges(fresh), 'add', ['\\Seen'])
        for (const state of changed) marked.set(state.uid, state)
      } finally {
        view.silent = false
      }
    }
    for (const message of messages)
      await this.answer({ ...message, ...marked.get(message.uid) }, marked.has(message.uid))
  }

  /** Writes one FETCH response. The promise is there only where there is something to wait for. */
  answer(message: StoredMessage, withFlags: boolean): Promise<void> | undefined {
    const { view, out } = this.#session
    const sequence = view.sequenceOf(message.uid)
    if (sequence === 0) return undefined
    view.tellKeywords(message.flags, out)
    if (this.#needsContent || this.#items.some((item) => item.needsContentOf?.(message)))
      return this.#answerWithContent(message, sequence, withFlags)
    const fetched = this.#fetched(message, sequence)
    return this.needs.structure && fetched.structure === undefined
      ? this.#answerWithContent(message, sequence, withFlags)
      : this.#write(fetched, withFlags)
  }

  #fetched(message: StoredMessage, sequence: number, content?: Body): FetchedMessage {
    const shownFlags = this.#session.view.formatFlags(message)
    return { header: {}, ...message, sequence, shownFlags, content } as FetchedMessage
  }

  /** Opens the message first: once the response has begun, nothing may go wrong any more. */
  async #answerWithContent(message: StoredMessage, sequence: number, withFlags: boolean): Promise<void> {
    const content = await this.#content(message.uid)
    if (!content) return
    const { structure } = message
    const incomplete = this.needs.structure && (!structure?.At || structure.At[2] !== content.size)
    const described = incomplete ? { ...message, structure: (await describeContent(content)).structure } : message
    await this.#write(this.#fetched(described, sequence, content), withFlags)
  }

  async #content(uid: number): Promise<Body | undefined> {
    try {
      return await this.#session.view.mailbox.content(uid)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      if (error.kind === 'expunged') return undefined
      const { response, unforeseen } = failureOf(error)
      if (unforeseen)
        this.#session.log.error('message cannot be read', error, { uid, username: this.#session.username })
      this.#failure ??= response
      return undefined
    }
  }

  #write(message: FetchedMessage, withFlags: boolean): Promise<void> | undefined {
    this.#answered++
    this.#session.out.text(`* ${message.sequence} FETCH (`)
    const items = withFlags && !this.#items.includes(flagsItem) ? [...this.#items, flagsItem] : this.#items
    return this.#writeFrom(items, 0, message)
  }

  #writeFrom(items: readonly FetchAttribute[], start: number, message: FetchedMessage): Promise<void> | undefined {
    const { out } = this.#session
    for (let at = start; at < items.length; at++) {
      if (at > 0) out.text(' ')
      const writing = items[at]?.write(message, out)
      if (writing) return writing.then(() => this.#writeFrom(items, at + 1, message))
    }
    out.line(')')
    return out.full ? out.drain() : undefined
  }

  /** Throws when some of the messages asked for could not be read. */
  conclude(expected: number): Completion | undefined {
    if (this.#failure) throw this.#failure
    return this.#answered < expected ? someGone : undefined
  }
}
