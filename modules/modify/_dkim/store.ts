import type { SigningKey } from '../../../core/kit/dkim/index.ts'

/** Where keys are kept. Domains are in the form of lookups. */
export interface KeyStore {
  /** What it has now may be something else after so many milliseconds, because others write to it too. */
  readonly freshFor: number
  /** The key of a domain; undefined when there is none. Throws when it cannot be used, or cannot be had now. */
  load(domain: string): Promise<SigningKey | undefined>
  /**
   * Stores a key that was just made, and resolves to the one that is to be used: another, when somebody else has stored
   * one in the meantime. It is on stable storage then.
   */
  add(domain: string, key: SigningKey): Promise<SigningKey>
}

/** A domain whose key is kept, and how it was written where it was listed. */
export type Spelling = (domain: string) => string
