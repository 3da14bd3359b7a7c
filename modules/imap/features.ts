import type { Session } from './session.ts'

/** Something a session can do, and the words it is announced with; none when it cannot be used now. */
type Feature = string | ((session: Session) => string | readonly string[] | undefined)

/** Before login, in maddy's order as far as maddy has them. */
const forStrangers: readonly Feature[] = [
  'IMAP4rev1',
  'LITERAL+',
  'SASL-IR',
  'CHILDREN',
  'UNSELECT',
  'MOVE',
  'IDLE',
  'APPENDLIMIT',
  'ID',
  'ENABLE',
  ({ startTlsPossible }) => (startTlsPossible ? 'STARTTLS' : undefined),
  // The command LOGIN does what PLAIN does.
  ({ mechanisms }) => (mechanisms.includes('PLAIN') ? undefined : 'LOGINDISABLED'),
  ({ mechanisms }) => mechanisms.map((mechanism) => `AUTH=${mechanism}`),
]

/** After login. */
const forUsers: readonly Feature[] = [
  'IMAP4rev1',
  'LITERAL+',
  'SASL-IR',
  'CHILDREN',
  'UNSELECT',
  'MOVE',
  'IDLE',
  ({ ownAppendLimit }) => (ownAppendLimit === null ? 'APPENDLIMIT' : `APPENDLIMIT=${ownAppendLimit}`),
  'I18NLEVEL=1',
  'SORT',
  'SORT=DISPLAY',
  'THREAD=ORDEREDSUBJECT',
  'THREAD=REFERENCES',
  ({ compressed }) => (compressed ? undefined : 'COMPRESS=DEFLATE'),
  'NAMESPACE',
  'ID',
  'ENABLE',
  'UIDPLUS',
  'ESEARCH',
  'LIST-EXTENDED',
  'LIST-STATUS',
  'SPECIAL-USE',
  'CREATE-SPECIAL-USE',
  'STATUS=SIZE',
  'QUOTA',
  'QUOTA=RES-STORAGE',
]

/** The capabilities of a session in its present state, as CAPABILITY lists them. */
export const capabilities = (session: Session): string =>
  (session.state === 'notAuthenticated' ? forStrangers : forUsers)
    .flatMap((feature) => (typeof feature === 'string' ? feature : (feature(session) ?? [])))
    .join(' ')
