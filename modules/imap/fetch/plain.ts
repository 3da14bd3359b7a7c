import { formatDateTime } from '../../../core/kit/imap/date.ts'
import type { FetchAttribute } from './message.ts'

const attribute = (text: (message: Parameters<FetchAttribute['write']>[0]) => string): FetchAttribute => ({
  needs: {},
  write: (message, out) => out.text(text(message)),
})

/** The items that are known of every message. */
export const flags = attribute(({ shownFlags }) => `FLAGS ${shownFlags}`)
export const uid = attribute(({ uid }) => `UID ${uid}`)
export const size = attribute(({ size }) => `RFC822.SIZE ${size}`)
export const internalDate = attribute(({ internalDate }) => `INTERNALDATE ${formatDateTime(internalDate)}`)
