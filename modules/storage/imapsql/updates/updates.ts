import type { StorageEvent } from '../events.ts'

/** How processes that use one database tell each other what they change. */
export interface Updates extends AsyncDisposable {
  /** Tells the others. Never fails: who misses something sees it later. */
  send(event: StorageEvent): void
  /** Sessions of this process begin, or cease, to look at a mailbox. Resolves once what is done to it is heard of. Never fails. */
  follow?(mailbox: number, open: boolean): Promise<void>
}

/** What is done about what others tell. */
export interface Hears {
  /** Messages of a mailbox have changed; `now` is whose it is, when that was told. */
  mailbox(id: number, now?: { readonly account: number; readonly name: string }): void
  event(event: StorageEvent): void
  /** Something may have been missed. */
  everything(): void
}
