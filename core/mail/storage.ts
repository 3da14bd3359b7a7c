import type { Body } from '../kit/message/message.ts'
import type { CachedHeader, Structure } from '../kit/message/structure.ts'
import { role } from '../role.ts'
import type { QuotaBytes } from './quotas.ts'

/** Mailboxes for IMAP. Names are UTF-8 with `.` between the levels; INBOX, in any case, is `INBOX`. Messages go by UID. */
export interface Storage {
  /** The account of a user who has logged in; made, with nothing but an INBOX, when there is none. */
  open(username: string): Promise<Account>
}

export const Storage = role<Storage>('storage')

/** A storage whose accounts can be managed: what `imap-acct` and its like and the REST API work on. */
export interface Accounts extends Storage {
  list(): Promise<readonly string[]>
  /** The account, by its name in any case; undefined when there is none. */
  find(username: string): Promise<Account | undefined>
  /** Makes the account, its INBOX, and then the folders. Throws StorageError `exists`. */
  create(username: string, folders: readonly Folder[]): Promise<void>
  /** Deletes the account with all its mail; its open sessions end. Throws StorageError `missing`. */
  delete(username: string): Promise<void>
  /** Ends the sessions that the account has now, of all processes. An account that is not there has none. */
  expel?(username: string): Promise<void>
  /** The folders a new account gets when nothing else is asked for, named as the configuration says. */
  readonly specialFolders: readonly Folder[]
}

export const Accounts = role<Accounts>('accounts', 'storage')

export type SpecialUse = '\\Archive' | '\\Drafts' | '\\Junk' | '\\Sent' | '\\Trash'

export interface Folder {
  readonly name: string
  readonly specialUse?: SpecialUse
}

export interface MailboxEntry {
  /** Stays the same when the mailbox is renamed. */
  readonly id: number
  readonly name: string
  readonly subscribed: boolean
  readonly specialUse: SpecialUse | undefined
}

/** Counters kept with the mailbox, so that asking costs the same however many messages it has. */
export interface MailboxStatus {
  readonly id: number
  readonly messages: number
  readonly recent: number
  readonly unseen: number
  readonly deleted: number
  /** Sum of the sizes of its messages, in bytes (RFC 8438). */
  readonly size: number
  readonly uidNext: number
  readonly uidValidity: number
  readonly highestModseq: number
  /** The largest message APPEND may bring, in bytes; undefined when there is no limit of its own (RFC 7889). */
  readonly appendLimit: number | undefined
}

export interface Account {
  readonly name: string
  /** Aborts when the account is deleted. */
  readonly gone: AbortSignal
  /** Aborts when those who had opened it until then are to leave: what they logged in with may be good no longer. */
  readonly expelled?: AbortSignal
  /** All mailboxes, in the order in which they were made. */
  mailboxes(): Promise<readonly MailboxEntry[]>
  /** Throws StorageError `missing`. */
  status(mailbox: string): Promise<MailboxStatus>
  /** Missing parents are made too. Throws StorageError `exists`, `name`, `special_use`. */
  create(mailbox: string, specialUse?: SpecialUse): Promise<MailboxEntry>
  /** Children stay. Throws StorageError `missing`, `inbox`. */
  delete(mailbox: string): Promise<void>
  /** Children move along; of INBOX only its messages do. Throws StorageError `missing`, `exists`, `name`. */
  rename(from: string, to: string): Promise<void>
  /** Throws StorageError `missing` for a name that does not exist. */
  subscribe(mailbox: string, subscribed: boolean): Promise<void>
  /** The limit for a single message in bytes: the mailbox's own, else the account's, else the storage's. */
  appendLimit(mailbox?: string): Promise<number | undefined>
  /** The account's own limit; null when it has none. */
  ownAppendLimit(): Promise<number | null>
  setAppendLimit(bytes: number | null): Promise<void>
  /** What all messages of the account weigh, and what they may. */
  quota(): Promise<AccountQuota>
  /** Bytes that expunging a mailbox would free, counted message by message. Throws StorageError `missing`. */
  deletedSize(mailbox: string): Promise<number>
  /** Adds messages, all or none. Throws StorageError `missing`, `too_big`, `over_quota`. */
  append(mailbox: string, messages: readonly NewMessage[]): Promise<Appended>
  /** Opens a mailbox for one session. Throws StorageError `missing`. */
  select(mailbox: string, options: { readonly readOnly: boolean }): Promise<Mailbox>
  /** Tells of mailboxes made, deleted, renamed or (un)subscribed, and of new counters, until disposed of. */
  watch(listener: (change: AccountChange) => void): Disposable
}

/** In bytes. */
export interface AccountQuota {
  readonly used: number
  /** 0 when there is none. */
  readonly limit: QuotaBytes
}

export type AccountChange =
  | { readonly type: 'created' | 'deleted' | 'subscription' | 'status'; readonly mailbox: string }
  | { readonly type: 'renamed'; readonly from: string; readonly to: string }

export interface NewMessage {
  /** The whole message, header and body. */
  readonly content: Body
  readonly flags: readonly string[]
  /** Milliseconds since 1970. */
  readonly internalDate: number
}

export interface Appended {
  readonly uidValidity: number
  /** In the order of the messages given. */
  readonly uids: readonly number[]
}

/** From `first` to `last`, both included; `first` is never larger. */
export interface UidRange {
  readonly first: number
  readonly last: number
}

/**
 * A mailbox opened by one session. What it had then is `snapshot`; every change since, whoever made it, is told to the
 * listener in the order of the commits, and what this session did itself before the promise of that call resolves.
 */
export interface Mailbox extends AsyncDisposable {
  readonly id: number
  readonly name: string
  readonly uidValidity: number
  readonly readOnly: boolean
  readonly snapshot: Snapshot
  /** Set at once after `select` has resolved; changes in between are kept for it. */
  listen(listener: (change: MailboxChange) => void): void
  /** Messages in ascending order of UID; a UID that is not there is passed over. Pages through large ranges. */
  messages(uids: readonly UidRange[], needs: Needs): AsyncIterable<StoredMessage>
  /** The UIDs, ascending, of the messages that meet all conditions. */
  find(conditions: Conditions): Promise<readonly number[]>
  /** The stored octets of a message. Throws StorageError `expunged` when it is gone, `corrupt` when its content is. */
  content(uid: number): Promise<Body>
  /** Changes flags. `modified` lists the UIDs left alone for having changed since `unchangedSince` (RFC 7162). */
  store(
    uids: readonly UidRange[],
    mode: 'add' | 'remove' | 'replace',
    flags: readonly string[],
    unchangedSince?: number,
  ): Promise<{ readonly changed: readonly FlagState[]; readonly modified: readonly number[] }>
  /** Copies into a mailbox of the same account. Throws StorageError `missing`, `over_quota`. */
  copy(uids: readonly UidRange[], to: string): Promise<Copied>
  /** As copy, and the originals are gone with the same commit; there is always room. Throws StorageError `missing`. */
  move(uids: readonly UidRange[], to: string): Promise<Copied>
  /** Removes the messages that have \Deleted, or those of them within `uids`. Resolves to the UIDs removed. */
  expunge(uids?: readonly UidRange[]): Promise<readonly number[]>
}

export interface Snapshot {
  /** Ascending. */
  readonly uids: readonly number[]
  readonly uidNext: number
  readonly highestModseq: number
  /** UIDs that this session is to see as \Recent. */
  readonly recent: ReadonlySet<number>
  readonly firstUnseen: number | undefined
  /** Keywords in use, as first spelt. */
  readonly keywords: readonly string[]
}

/** What besides UID, flags, date, size and mod-sequence is to be read with a message. */
export interface Needs {
  readonly header?: boolean
  readonly structure?: boolean
}

export interface FlagState {
  readonly uid: number
  /** Without \Recent. */
  readonly flags: readonly string[]
  readonly modseq: number
}

export interface StoredMessage extends FlagState {
  /** Milliseconds since 1970. */
  readonly internalDate: number
  /** RFC822.SIZE, in bytes. */
  readonly size: number
  readonly header?: CachedHeader
  readonly structure?: Structure
}

/** All that are given must hold. Dates are milliseconds since 1970, sizes bytes. */
export interface Conditions {
  readonly uids?: readonly UidRange[]
  readonly flagged?: readonly string[]
  readonly unflagged?: readonly string[]
  readonly since?: number
  readonly before?: number
  readonly larger?: number
  readonly smaller?: number
  readonly modseq?: number
}

/** `target` has the new UIDs in the order of `source`, which ascends. */
export interface Copied {
  readonly uidValidity: number
  readonly source: readonly number[]
  readonly target: readonly number[]
}

/** `own` is true when the session that is told of it did it. */
export type MailboxChange =
  | { readonly type: 'arrived'; readonly own: boolean; readonly uids: readonly number[]; readonly recent: boolean }
  | { readonly type: 'flags'; readonly own: boolean; readonly messages: readonly FlagState[] }
  | { readonly type: 'expunged'; readonly own: boolean; readonly uids: readonly number[]; readonly modseq: number }
  | { readonly type: 'renamed'; readonly name: string }
  | { readonly type: 'deleted' }
  /** Changes were missed: read the mailbox anew; `snapshot` of a new `select` tells how it is now. */
  | { readonly type: 'resync' }

/** A request the storage cannot meet. Anything else it throws is an outage. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly kind:
    | 'missing' // no such mailbox or account
    | 'exists'
    | 'name' // not a name a mailbox can have
    | 'inbox' // INBOX cannot be deleted
    | 'special_use' // that role is taken, or cannot be given
    | 'too_big'
    | 'over_quota'
    | 'read_only'
    | 'expunged'
    | 'corrupt'

  constructor(kind: StorageError['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}
