import { dependably, invalid, missing, orMissing } from '../errors.ts'
import { domainName, domainOf, emailName, userName } from '../names.ts'
import { type ApiRequest, param, type Route, schemaOf } from '../route.ts'

interface CreateUserRequest {
  readonly username: string
  readonly password: string
  readonly createMailboxes?: boolean
}

const createUser: Route = {
  operationId: 'createUser',
  method: 'post',
  path: '/v1/users',
  summary: 'Create user',
  description:
    'Makes a user who can log in and, if wanted, the account with its mailboxes. An account that is there already is kept, and gets the folders it lacks. The first user of a domain brings about its DKIM key, where one is configured.',
  body: 'CreateUserRequest',
  success: { 201: { description: 'The user has been made.' } },
  errors: [400, 409, 413, 415, 500, 503],
  async handle(request, { provisioning, changed }) {
    const { username: written, password, createMailboxes = false } = request.body as CreateUserRequest
    const username = emailName(written, 'username')
    await provisioning.createUser({ username, password, createMailboxes })
    changed('user created', { username, mailboxes: createMailboxes }, request.author)
    return { status: 201 }
  },
}

const mostListed = 10_000

const listUsers: Route = {
  operationId: 'listUsers',
  method: 'get',
  path: '/v1/users',
  summary: 'List users',
  description: 'The names of all users, sorted: of those who can log in, whether they have mailboxes or not.',
  query: [
    { name: 'domain', description: 'Only those of this domain.', schema: { type: 'string' } },
    {
      name: 'limit',
      description: 'At most so many.',
      schema: { type: 'integer', minimum: 1, maximum: mostListed },
    },
    {
      name: 'cursor',
      description: 'Only those after this name, as the last of the list before.',
      schema: { type: 'string' },
    },
  ],
  success: { 200: { description: 'The names.', schema: { type: 'array', items: { type: 'string' } } } },
  errors: [400, 503],
  async handle({ query }, { users }) {
    const wanted = query.get('domain')
    const domain = wanted === null || wanted === '' ? undefined : domainName(wanted, 'domain')
    const cursor = query.get('cursor') ?? ''
    const limit = limitOf(query.get('limit'))
    const all = await dependably(() => users.list())
    const fitting = all.filter((name) => name > cursor && (domain === undefined || domainOf(name) === domain))
    return { status: 200, json: fitting.toSorted().slice(0, limit) }
  },
}

const limitOf = (written: string | null): number => {
  if (written === null || written === '') return Number.POSITIVE_INFINITY
  const limit = /^\d{1,6}$/.test(written) ? Number(written) : 0
  if (limit < 1 || limit > mostListed) throw invalid('limit', 'range', `has to be a number from 1 to ${mostListed}`)
  return limit
}

const getUser: Route = {
  operationId: 'getUser',
  method: 'get',
  path: '/v1/users/:id',
  summary: 'Get user',
  success: { 200: { description: 'The user.', schema: schemaOf('User') } },
  errors: [400, 404, 503],
  async handle(request, { users }) {
    const username = userName(param(request, 'id'))
    if (!(await dependably(() => users.has(username)))) throw missing()
    return { status: 200, json: { username } }
  },
}

const setPassword: Route = {
  operationId: 'setPassword',
  method: 'post',
  path: '/v1/users/:id/password',
  summary: 'Update password',
  description: 'Ends the sessions in which the user reads mail, since they were begun with the old password.',
  body: 'PasswordRequest',
  success: { 200: { description: 'The password has been changed.' } },
  errors: [400, 404, 413, 415, 503],
  async handle(request, { provisioning, changed }) {
    const username = userName(param(request, 'id'))
    const { password } = request.body as { readonly password: string }
    await orMissing(provisioning.setPassword(username, password))
    changed('password changed', { username }, request.author)
    return { status: 200 }
  },
}

const deleteUser: Route = {
  operationId: 'deleteUser',
  method: 'delete',
  path: '/v1/users/:id',
  summary: 'Delete user',
  description: 'The account with its mail stays, and goes on taking mail, unless delete_mailbox is true.',
  query: [
    {
      name: 'delete_mailbox',
      description: 'Whether the account goes as well; only the word true says so.',
      schema: { type: 'string', enum: ['true', 'false'] },
    },
  ],
  success: { 200: { description: 'The user is gone.' } },
  errors: [400, 404, 500, 503],
  async handle(request: ApiRequest, { provisioning, changed }) {
    const username = userName(param(request, 'id'))
    const withAccount = request.query.get('delete_mailbox') === 'true'
    const { user, account, failure } = await provisioning.deleteUser(username, withAccount)
    if (!user && !account) throw missing()
    changed('user deleted', { username, credentials: user, mailboxes: account }, request.author)
    if (failure !== undefined) throw failure
    return { status: 200 }
  },
}

export const userRoutes: readonly Route[] = [createUser, listUsers, getUser, setPassword, deleteUser]
