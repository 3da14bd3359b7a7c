import type {
  Account,
  Accounts as AccountsType,
  Address,
  Body,
  Envelope,
  Mailbox,
  Message,
  Quotas as QuotasType,
  Storage as StorageType,
  Table as TableType,
  Target as TargetType,
} from '../../../core/index.ts'
import { Accounts } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { memoryBody, parseHeader, splitMessage } from '../../../core/kit/message/index.ts'
import type { SqlValue } from '../../../core/kit/sql/writer/index.ts'
import { instance } from '../../support/server.ts'
import type { TestDatabase } from './databases.ts'
import { databases } from './databases.ts'

export type SqlStorage = AccountsType & QuotasType & TargetType & TableType & StorageType

export interface TestStorage extends AsyncDisposable {
  readonly storage: SqlStorage
  /** Where its files are. */
  readonly directory: string
  /** Another program's way into its database: rows as arrays, and statements in a row. */
  readonly db: {
    readonly driver: TestDatabase['driver']
    rows(sql: string): Promise<SqlValue[][]>
    exec(sql: string): Promise<void>
  }
}

/** A storage.imapsql at work; `directives` are lines of its block. */
export const open = async (directives = 'msg_store sql', more = ''): Promise<TestStorage> => {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await databases().make())
  const conf = `storage.imapsql local {\n${database.conf}\n ${directives}\n}\n${more}`
  const { api, directory } = stack.use(await instance(Accounts, conf, { name: 'local' }))
  const held = stack.move()
  return {
    storage: api as SqlStorage,
    directory,
    db: {
      driver: database.driver,
      rows: (sql) => database.rows(sql, directory),
      exec: (sql) => database.exec(sql, directory),
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

export const envelope = (reversePath = 'sender@example.net'): Envelope => ({
  id: '1234abcd',
  reversePath: reversePath === '' ? null : parseAddress(reversePath),
  originalReversePath: reversePath,
  smtputf8: false,
  requireTls: false,
  origin: {
    protocol: 'ESMTP',
    helo: 'client.example',
    peer: { ip: '192.0.2.1', port: 2525 },
    rdns: 'client.example',
    user: null,
    tls: null,
  },
})

/** A message from its text, whose lines end in LF here and in CRLF there. */
export const message = (text: string, quarantined = false): Message => {
  const bytes = Buffer.from(text.replaceAll(/\r?\n/g, '\r\n'))
  const { bodyStart } = splitMessage(bytes)
  return { header: parseHeader(bytes), body: memoryBody(bytes.subarray(bodyStart)), quarantined }
}

export const simple = (subject = 'hello', body = 'text\n'): Message =>
  message(`From: a@example.net\nTo: b@example.org\nSubject: ${subject}\n\n${body}`)

/** Delivers a message; throws what a recipient, the content or the commit is refused with. */
export const deliver = async (
  storage: TargetType,
  recipients: readonly string[],
  content: Message = simple(),
  from?: string,
): Promise<void> => {
  await using delivery = await storage.begin(envelope(from))
  for (const recipient of recipients) await delivery.recipient(parseAddress(recipient) as Address)
  await delivery.message(content)
  await delivery.commit()
}

export const bytes = async (body: Body): Promise<string> =>
  Buffer.concat(await Array.fromAsync(body.read())).toString('latin1')

/** The account of that name, which exists. */
export const account = async (storage: AccountsType, name: string): Promise<Account> => {
  const found = await storage.find(name)
  if (!found) throw new Error(`there is no account ${name}`)
  return found
}

export const select = async (storage: AccountsType, name: string, mailbox = 'INBOX'): Promise<Mailbox> =>
  (await account(storage, name)).select(mailbox, { readOnly: false })

export const all = [{ first: 1, last: Number.MAX_SAFE_INTEGER }]

/** Collects what is told, and waits for it. */
export const collector = <T>() => {
  const told: T[] = []
  let wake = (): void => undefined
  return {
    told,
    add: (value: T): void => {
      told.push(value)
      wake()
    },
    async until(done: (told: readonly T[]) => boolean): Promise<void> {
      while (!done(told)) {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        await promise
      }
    },
  }
}
