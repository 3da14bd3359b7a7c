import { orMissing } from '../errors.ts'
import { userName } from '../names.ts'
import { param, type Route } from '../route.ts'

const createMailbox: Route = {
  operationId: 'createMailbox',
  method: 'post',
  path: '/v1/users/:id/mailboxes',
  summary: 'Create mailbox',
  description:
    'Makes the account with its INBOX and the folders Sent, Trash, Junk, Drafts and Archive, as they are named in the configuration. There need not be a user of that name.',
  query: [
    {
      name: 'ensure',
      description: 'With true, an account that is there already gets the folders it lacks.',
      schema: { type: 'string', enum: ['true', 'false'] },
    },
  ],
  success: {
    200: { description: 'The account was there already; it has all folders now.' },
    201: { description: 'The account has been made.' },
  },
  errors: [400, 409, 500, 503],
  async handle(request, { provisioning, changed }) {
    const username = userName(param(request, 'id'))
    const made = await provisioning.createAccount(username, request.query.get('ensure') === 'true')
    changed(made ? 'mailboxes created' : 'mailboxes completed', { username }, request.author)
    return { status: made ? 201 : 200 }
  },
}

const deleteMailbox: Route = {
  operationId: 'deleteMailbox',
  method: 'delete',
  path: '/v1/users/:id/mailboxes',
  summary: 'Delete mailbox',
  description:
    'Deletes the account with all its mail and its quota. The user stays, and gets an empty account with the next login.',
  success: { 200: { description: 'The account is gone.' } },
  errors: [400, 404, 500, 503],
  async handle(request, { provisioning, changed }) {
    const username = userName(param(request, 'id'))
    await orMissing(provisioning.deleteAccount(username))
    changed('mailboxes deleted', { username }, request.author)
    return { status: 200 }
  },
}

export const mailboxRoutes: readonly Route[] = [createMailbox, deleteMailbox]
