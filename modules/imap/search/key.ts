import type { Conditions, StoredMessage } from '../../../core/index.ts'
import type { Body } from '../../../core/kit/message/message.ts'

/** A message that may be found. */
export interface Candidate extends StoredMessage {
  /** As this session sees it. */
  readonly recent: boolean
  /** The octets, read from the storage when first asked for; undefined when they cannot be had. */
  content(): Promise<Body | undefined>
}

/** How much has to be read to decide: nothing but the row, the cached header too, or the content. */
export type Cost = 'row' | 'header' | 'content'

/** One condition of SEARCH. */
export interface SearchKey {
  readonly cost: Cost
  /** The same for the storage to decide, where it can. */
  readonly conditions?: Conditions
  matches(candidate: Candidate): boolean | Promise<boolean>
}

const costs: readonly Cost[] = ['row', 'header', 'content']

/** The greater of several costs. */
export const costOf = (keys: readonly SearchKey[]): Cost =>
  costs[Math.max(0, ...keys.map(({ cost }) => costs.indexOf(cost)))] ?? 'row'

/** What is cheap to decide comes first. */
export const cheapestFirst = (keys: readonly SearchKey[]): readonly SearchKey[] =>
  keys.toSorted((a, b) => costs.indexOf(a.cost) - costs.indexOf(b.cost))
