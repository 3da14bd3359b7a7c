import type { AccountChange, Logger } from '../../../core/index.ts'
import type { StorageEvent } from './events.ts'
import { safely } from './safely.ts'

export type MailboxEvent = Extract<StorageEvent, { origin: number }>

/** A mailbox that a session has open, as the hub sees it. */
export interface OpenView {
  readonly id: number
  readonly account: number
  readonly readOnly: boolean
  apply(event: MailboxEvent, tellsRecent: boolean): void
  renamed(name: string): void
  deleted(): void
  /** Somebody outside changed something: look what. */
  reread(): void
}

/** What sessions of one account share in this process. */
export class AccountState {
  readonly gone = new AbortController()
  #expelled = new AbortController()
  readonly watchers = new Set<(change: AccountChange) => void>()
  readonly views = new Set<OpenView>()

  /** Of those who open the account now. */
  get expelled(): AbortSignal {
    return this.#expelled.signal
  }

  expel(): void {
    const expelled = this.#expelled
    this.#expelled = new AbortController()
    expelled.abort()
  }
}

/** Brings what has been committed to the sessions that have it open. */
export class Changes {
  readonly #open = new Map<number, Set<OpenView>>()
  /** Held by those who use the account, and forgotten with them. */
  readonly #accounts = new Map<number, WeakRef<AccountState>>()
  readonly #forgotten = new FinalizationRegistry<number>((account) => {
    if (!this.#accounts.get(account)?.deref()) this.#accounts.delete(account)
  })
  /** Told of everything that happens in this process. */
  #relay: ((event: StorageEvent) => void) | undefined
  #follow: ((mailbox: number, open: boolean) => Promise<void> | undefined) | undefined
  readonly #followed = new Map<number, Promise<void>>()
  readonly #log: Logger
  #sessions = 0

  constructor(log: Logger) {
    this.#log = log
  }

  relayTo(relay: (event: StorageEvent) => void): void {
    this.#relay = relay
  }

  /** `follow` is told when the first session of this process opens a mailbox, and when the last has closed it. */
  followBy(follow: (mailbox: number, open: boolean) => Promise<void> | undefined): void {
    this.#follow = follow
  }

  /** Resolves when everything that is done to a mailbox from now on will be told of to the views that are added to it. */
  async followed(mailbox: number): Promise<void> {
    await this.#followed.get(mailbox)
  }

  /** A number that tells a session from all others; 0 is nobody. */
  nextSession(): number {
    return ++this.#sessions
  }

  account(id: number): AccountState {
    const known = this.#accounts.get(id)?.deref()
    if (known) return known
    const state = new AccountState()
    this.#accounts.set(id, new WeakRef(state))
    this.#forgotten.register(state, id)
    return state
  }

  add(view: OpenView): Disposable {
    const views = this.#open.get(view.id) ?? new Set()
    const { views: ofAccount } = this.account(view.account)
    this.#open.set(view.id, views.add(view))
    ofAccount.add(view)
    if (views.size === 1) this.#begin(view.id)
    return {
      [Symbol.dispose]: () => {
        views.delete(view)
        ofAccount.delete(view)
        if (views.size > 0 || this.#open.get(view.id) !== views) return
        this.#open.delete(view.id)
        this.#followed.delete(view.id)
        void this.#follow?.(view.id, false)
      },
    }
  }

  #begin(mailbox: number): void {
    const followed = this.#follow?.(mailbox, true)
    if (followed) this.#followed.set(mailbox, followed)
  }

  /** The mailboxes of these accounts that a session has open for writing, which takes their new messages as \Recent. */
  openIn(accounts: readonly number[]): number[] {
    const found: number[] = []
    for (const account of accounts) {
      for (const view of this.#accounts.get(account)?.deref()?.views ?? []) if (!view.readOnly) found.push(view.id)
    }
    return found
  }

  /** What an operation of this process has committed. */
  committed = (event: StorageEvent): void => {
    this.apply(event)
    this.#relay?.(event)
  }

  apply(event: StorageEvent): void {
    const { type } = event
    if (type === 'gone') this.#accounts.get(event.account)?.deref()?.gone.abort()
    else if (type === 'expelled') this.#accounts.get(event.account)?.deref()?.expel()
    else this.#tell(event.account, accountChange(event))
    if ('origin' in event) this.#toViews(event)
    else if (type === 'deleted') for (const view of this.#views(event.mailbox)) view.deleted()
    else if (type === 'renamed') for (const view of this.#views(event.mailbox)) view.renamed(event.to)
  }

  /** Another process changed a mailbox; `now` is undefined when it is gone. */
  outside(mailbox: number, now: { account: number; name: string } | undefined): void {
    for (const view of this.#views(mailbox)) {
      if (now) view.reread()
      else view.deleted()
    }
    if (now) this.#tell(now.account, { type: 'status', mailbox: now.name })
  }

  /** What others did may have been missed. */
  rereadAll(): void {
    for (const views of this.#open.values()) for (const view of views) view.reread()
  }

  #toViews(event: MailboxEvent): void {
    // The first session that can say so is told that new messages are \Recent, and no other.
    let untold = event.type === 'arrived' && event.recent === 'open'
    for (const view of this.#views(event.mailbox)) {
      const tells = untold && !view.readOnly
      if (tells) untold = false
      view.apply(event, tells)
    }
  }

  /** A copy, since being told of something may close a view. */
  #views(mailbox: number): OpenView[] {
    return [...(this.#open.get(mailbox) ?? [])]
  }

  #tell(account: number, change: AccountChange): void {
    for (const watcher of [...(this.#accounts.get(account)?.deref()?.watchers ?? [])]) {
      safely(() => watcher(change), this.#log)
    }
  }
}

const accountChange = (event: Exclude<StorageEvent, { type: 'gone' | 'expelled' }>): AccountChange => {
  switch (event.type) {
    case 'renamed':
      return { type: 'renamed', from: event.name, to: event.to }
    case 'created':
    case 'deleted':
    case 'subscription':
      return { type: event.type, mailbox: event.name }
    default:
      return { type: 'status', mailbox: event.name }
  }
}
