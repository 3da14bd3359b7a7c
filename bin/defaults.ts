import { processGlobals } from '../core/mail/globals.ts'

/** What a directive of the top level is when it is not written. */
export const defaultGlobal = (name: keyof typeof processGlobals): string => processGlobals[name].shape.fallback ?? ''
