/** A JSON schema, as OpenAPI 3.1 has them (draft 2020-12). */
export interface Schema {
  readonly type?: string
  readonly description?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly default?: unknown
  readonly writeOnly?: boolean
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema
  readonly $ref?: string
}

const text = (description: string, more: Schema = {}): Schema => ({ type: 'string', description, ...more })
const count = (description: string): Schema => ({ type: 'integer', format: 'int64', minimum: 0, description })
const flag = (description: string, usual: boolean): Schema => ({ type: 'boolean', default: usual, description })
const list = (items: Schema, description: string): Schema => ({ type: 'array', items, description })

/** An object all of whose properties are there, but for those that `optional` names. */
const object = (description: string, properties: Readonly<Record<string, Schema>>, ...optional: string[]): Schema => ({
  type: 'object',
  description,
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
})

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` })

const password = text('1 to 72 bytes of UTF-8.', { format: 'password', minLength: 1, writeOnly: true })

/** Everything that is sent either way. The same schemas validate requests and are the document. */
export const schemas = {
  CreateUserRequest: object(
    'A user to be made.',
    {
      username: text('An e-mail address.', { format: 'email', maxLength: 255 }),
      password,
      createMailboxes: flag('Whether the account with its mailboxes is made as well.', false),
    },
    'createMailboxes',
  ),
  User: object('A user. Passwords are never told.', { username: text('The name that the user logs in with.') }),
  PasswordRequest: object('A new password.', { password }),
  SetQuotaRequest: object('A limit.', {
    quotaBytes: count('Bytes; 0 is without a limit. Up to 2^63-1.'),
  }),
  MailboxUsage: object('What a mailbox holds.', {
    name: text('The name of the mailbox.'),
    messageCount: count('How many messages it has.'),
    usedBytes: count('What they weigh, in bytes.'),
  }),
  UserQuota: object('What an account holds and may hold.', {
    username: text('The name of the account.'),
    usedBytes: count('Sum of all mailboxes, in bytes.'),
    quotaBytes: count('The limit in force, in bytes; 0 is without one.'),
    quotaSource: text('Whose limit it is.', { enum: ['user', 'domain', 'none'] }),
    mailboxes: list(ref('MailboxUsage'), 'Ordered by name.'),
  }),
  UserUsage: object(
    'What an account of a domain holds.',
    {
      username: text('The name of the account.'),
      usedBytes: count('Bytes.'),
      quotaOverride: count('Its own limit, when it has one, in bytes; 0 is without a limit.'),
    },
    'quotaOverride',
  ),
  DomainQuota: object('What the accounts of a domain hold, and what each of them may hold.', {
    domain: text('The domain, in U-labels.'),
    usedBytes: count('Sum of all accounts, in bytes.'),
    quotaBytes: count('The limit of each account, in bytes; 0 is without one.'),
    userCount: count('How many accounts there are.'),
    users: list(ref('UserUsage'), 'Ordered by name.'),
  }),
  ModuleTransactions: object('Messages that an endpoint was offered.', {
    module: text('The kind of endpoint: smtp, submission, lmtp.'),
    started: count('Begun by MAIL.'),
    completed: count('Accepted: delivered, or handed over.'),
    aborted: count('Given up before their end.'),
  }),
  CheckCount: object('How often a check found something.', { check: text('The check.'), count: count('How often.') }),
  ReplyCount: object('How often a command was refused with a reply.', {
    module: text('The kind of endpoint.'),
    command: text('EHLO, MAIL, RCPT or DATA.'),
    code: text('The code of the reply.'),
    enhancedCode: text('The enhanced code of the reply.'),
    count: count('How often.'),
  }),
  Rejects: object('What was refused.', {
    total: count('All refused commands.'),
    byCheck: list(ref('CheckCount'), 'Refusals of checks, the most frequent first.'),
    byReply: list(ref('ReplyCount'), 'Refusals by reply, the most frequent first.'),
  }),
  Stats: object('What the process that answers has done since it was started.', {
    startedAt: text('When it was started.', { format: 'date-time' }),
    uptimeSeconds: count('How long ago that was.'),
    sessions: {
      type: 'object',
      additionalProperties: count('Open connections now.'),
      description: 'By kind of endpoint.',
    },
    transactions: list(ref('ModuleTransactions'), 'Ordered by module.'),
    deliveries: count('Messages accepted, over all endpoints.'),
    rejects: ref('Rejects'),
    quarantined: list(ref('CheckCount'), 'Messages put into quarantine, the most frequent reason first.'),
  }),
  Health: object('Whether what users need answers.', {
    status: text('ok when everything does.', { enum: ['ok', 'failing'] }),
    credentials: text('The users.', { enum: ['ok', 'failing'] }),
    storage: text('The mailboxes.', { enum: ['ok', 'failing'] }),
  }),
  FieldError: object('What is wrong with a field.', {
    field: text('The field or parameter.'),
    rule: text('The rule it breaks.'),
    message: text('The same in words.'),
  }),
  Error: object(
    'Why a request was refused.',
    {
      message: text('For people.'),
      requestId: text('Finds it in the log of the server.'),
      errors: list(ref('FieldError'), 'What is wrong with each field.'),
    },
    'requestId',
    'errors',
  ),
} as const satisfies Readonly<Record<string, Schema>>

export type SchemaName = keyof typeof schemas
