import { createHash } from 'node:crypto'
import { hashNow } from '../../core/kit/password/format.ts'
import { ImapClient } from '../bench/load/imap_client.ts'

export const password = 'for tests only'

/** The first account, and the one that most tests need. */
export const user = 'user1@example.test'

export interface Conf {
  /** The `driver` and the `dsn` of the mailboxes. */
  readonly database?: string
  /** How bodies are kept: what stands after `msg_store`. */
  readonly store?: string
  /** How many may log in: `user1@example.test` and so on. */
  readonly accounts?: number
  /** Further directives of the endpoints. */
  readonly smtp?: string
  readonly imap?: string
}

/** Mail for `example.test` into a database, and out of it over IMAP: two addresses, first that of SMTP. No TLS. */
export const mailServer = ({
  database = 'driver sqlite3\n  dsn imapsql.db',
  store = 'sql',
  accounts = 1,
  smtp = '',
  imap = '',
}: Conf = {}): string => {
  const stored = hashNow(password, { hash: 'argon2', argon2Time: 1, argon2Memory: 8 })
  const entries = Array.from({ length: accounts }, (_, index) => `entry user${index + 1}@example.test "${stored}"`)
  return `hostname mx.example.test
tls off
auth.pass_table credentials {
  table static {
    ${entries.join('\n    ')}
  }
}
storage.imapsql local_mailboxes {
  ${database}
  msg_store ${store}
}
smtp tcp://127.0.0.1:0 {
  ${smtp}
  deliver_to &local_mailboxes
}
imap tcp://127.0.0.1:0 {
  ${imap}
  auth &credentials
  storage &local_mailboxes
}`
}

export const login = (port: number, account = user): Promise<ImapClient> =>
  ImapClient.login(port, { user: account, password, mailbox: 'INBOX' })

/** Numbers from 0 to 1 that are the same in every run. */
export const seeded = (seed: number): (() => number) => {
  let state = seed
  // mulberry32
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A message by its identity: always the same bytes, of about that size. Some lines begin with a dot. */
export const messageOf = (id: string, size = 1000): string => {
  const line = createHash('sha512').update(id).digest('base64')
  const count = Math.ceil(size / (line.length + 3))
  const lines = Array.from({ length: count }, (_, index) => `${index % 7 === 0 ? '.' : ''}${line}\r\n`)
  return `Message-ID: <${id}>\r\nFrom: <sender@example.org>\r\nSubject: ${id}\r\n\r\n${lines.join('')}`
}

export const dotStuffed = (content: string): string => content.replace(/^\./gm, '..')

/** What a stored message is, apart from the fields that the server has put on top of it. */
export interface Stored {
  readonly uid: number
  readonly id: string
  readonly content: string
  readonly trace: string
}

/** Every message of the selected mailbox, whole, in the order of their sequence numbers. */
export const everyMessage = async (client: ImapClient): Promise<readonly Stored[]> => {
  const lines = await client.ok('UID FETCH 1:* (UID BODY.PEEK[])')
  return lines.flatMap(({ text, literals: [literal] }) => {
    const [, uid] = /^\* \d+ FETCH \(.*?\bUID (\d+)/.exec(text) ?? []
    if (uid === undefined || literal === undefined) return []
    const whole = literal.toString('latin1')
    const start = whole.search(/^Message-ID: </m)
    const [, id = ''] = /^Message-ID: <([^>]*)>/m.exec(whole) ?? []
    return [{ uid: Number(uid), id, content: whole.slice(start), trace: whole.slice(0, start) }]
  })
}
