import type { FlagState } from '../../../core/index.ts'

interface InMailbox {
  /** The account and the mailbox, by id, and the mailbox's name. */
  readonly account: number
  readonly mailbox: number
  readonly name: string
  /** The mailbox's highest mod-sequence before and after: what was not seen in between was done by somebody else. */
  readonly from: number
  readonly to: number
  /** The session that did it; 0 when none did. */
  readonly origin: number
}

/** What an operation changed; told to whoever watches once it is on stable storage. */
export type StorageEvent =
  /** Whether they are \Recent: kept for a session to come, for one that has the mailbox open now, or not at all. */
  | (InMailbox & {
      readonly type: 'arrived'
      readonly uids: readonly number[]
      readonly recent: 'kept' | 'open' | 'none'
    })
  | (InMailbox & { readonly type: 'flags'; readonly messages: readonly FlagState[] })
  | (InMailbox & { readonly type: 'expunged'; readonly uids: readonly number[] })
  | { readonly type: 'created' | 'subscription'; readonly account: number; readonly name: string }
  | { readonly type: 'deleted'; readonly account: number; readonly mailbox: number; readonly name: string }
  | {
      readonly type: 'renamed'
      readonly account: number
      readonly mailbox: number
      readonly name: string
      readonly to: string
    }
  | { readonly type: 'gone'; readonly account: number }
  | { readonly type: 'expelled'; readonly account: number }

export type Emit = (event: StorageEvent) => void
