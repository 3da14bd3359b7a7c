import { type Route, type Services, schemaOf } from '../route.ts'
import { statsOf } from '../stats.ts'

const alive: Route = {
  operationId: 'health',
  method: 'get',
  path: '/',
  summary: 'Health check',
  description: 'Says that the process answers, and nothing else: /health looks deeper.',
  public: true,
  success: { 200: { description: 'Always "OK".', schema: { type: 'string' } } },
  errors: [],
  handle: async () => ({ status: 200, json: 'OK' }),
}

const version: Route = {
  operationId: 'version',
  method: 'get',
  path: '/version',
  summary: 'Server version',
  public: true,
  success: {
    200: {
      description: 'The version, or the name alone where it is not told to strangers.',
      schema: { type: 'string' },
    },
  },
  errors: [],
  handle: async (_request, { version }) => ({ status: 200, json: version }),
}

const document: Route = {
  operationId: 'openapi',
  method: 'get',
  path: '/openapi.json',
  summary: 'This document',
  public: true,
  success: { 200: { description: 'OpenAPI 3.1.', schema: { type: 'object' } } },
  errors: [],
  handle: async (_request, { document }) => ({ status: 200, json: document }),
}

/** A name that nobody has: looking it up shows that the look-up works. */
const nobody = 'health-check@invalid'

const health: Route = {
  operationId: 'deepHealth',
  method: 'get',
  path: '/health',
  summary: 'Health of the stores',
  description: 'Asks the credentials and the mailboxes something.',
  success: { 200: { description: 'Both answer.', schema: schemaOf('Health') } },
  errors: [503],
  async handle(_request, { users, accounts, log }) {
    const credentials = await state(() => users.has(nobody), log)
    const storage = await state(() => accounts.find(nobody), log)
    const status = credentials === 'ok' && storage === 'ok' ? 'ok' : 'failing'
    return { status: status === 'ok' ? 200 : 503, json: { status, credentials, storage } }
  },
}

const state = async (ask: () => Promise<unknown>, log: Services['log']): Promise<'ok' | 'failing'> => {
  try {
    await ask()
    return 'ok'
  } catch (error) {
    log.error('health check failed', error)
    return 'failing'
  }
}

const stats: Route = {
  operationId: 'stats',
  method: 'get',
  path: '/v1/stats',
  summary: 'Live counters',
  description: 'Of the process that answers: where several share the work, each has its own.',
  success: { 200: { description: 'The counters as they are now.', schema: schemaOf('Stats') } },
  errors: [],
  handle: async (_request, { counters }) => ({ status: 200, json: statsOf(counters.all()) }),
}

export const serverRoutes: readonly Route[] = [alive, version, document, health, stats]
