import type { SpecialUse } from '../../core/index.ts'

const uses: readonly SpecialUse[] = ['\\Archive', '\\Drafts', '\\Junk', '\\Sent', '\\Trash']

/** The special use an attribute names, case ignored; undefined for those no mailbox can be given. */
export const asSpecialUse = (attribute: string): SpecialUse | undefined =>
  uses.find((use) => use.toLowerCase() === attribute.toLowerCase())
