import type { Session } from './session.ts'

/** What ENABLE can switch on, by capability, and what is done at that moment. */
export const switches: ReadonlyMap<string, (session: Session) => void> = new Map()
