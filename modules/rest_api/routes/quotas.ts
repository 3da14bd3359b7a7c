import type { QuotaBytes, Quotas } from '../../../core/index.ts'
import { ApiError, dependably, invalid, missing, orMissing } from '../errors.ts'
import { domainName, userName } from '../names.ts'
import { type ApiRequest, param, type Route, type Services, schemaOf } from '../route.ts'

const quotasOf = ({ quotas }: Services): Quotas => {
  if (!quotas) throw new ApiError(501, 'This storage has no quotas')
  return quotas
}

/** What fits into 64 bits. A schema could only compare with a number, which is not that exact. */
const bytesIn = ({ body }: ApiRequest): QuotaBytes => {
  const { quotaBytes } = body as { readonly quotaBytes: QuotaBytes }
  if (BigInt(quotaBytes) > 2n ** 63n - 1n) throw invalid('quotaBytes', 'maximum', 'must be <= 9223372036854775807')
  return quotaBytes
}

const getUserQuota: Route = {
  operationId: 'getUserQuota',
  method: 'get',
  path: '/v1/users/:id/quota',
  summary: 'Get user quota with mailbox breakdown',
  description: 'Of an account: 404 when there is none, whether there is a user of that name or not.',
  success: { 200: { description: 'Usage and limit.', schema: schemaOf('UserQuota') } },
  errors: [400, 404, 503],
  async handle(request, services) {
    const username = userName(param(request, 'id'))
    const usage = await dependably(() => quotasOf(services).usage(username))
    if (!usage) throw missing()
    const { usedBytes, limit, source, mailboxes } = usage
    return {
      status: 200,
      json: {
        username,
        usedBytes,
        quotaBytes: limit,
        quotaSource: source,
        mailboxes: mailboxes.map(({ name, messages, usedBytes }) => ({ name, messageCount: messages, usedBytes })),
      },
    }
  },
}

const setUserQuota: Route = {
  operationId: 'setUserQuota',
  method: 'put',
  path: '/v1/users/:id/quota',
  summary: 'Set user quota override',
  description:
    'A limit of the account’s own, which goes before that of its domain; 0 is without a limit. A limit below what is used deletes nothing: new mail is refused.',
  body: 'SetQuotaRequest',
  success: { 200: { description: 'The limit is in force.' } },
  errors: [400, 404, 413, 415, 503],
  async handle(request, services) {
    const username = userName(param(request, 'id'))
    const bytes = bytesIn(request)
    await orMissing(dependably(() => quotasOf(services).setLimit(username, bytes)))
    services.changed('user quota set', { username, quota_bytes: String(bytes) }, request.author)
    return { status: 200 }
  },
}

const clearUserQuota: Route = {
  operationId: 'clearUserQuota',
  method: 'delete',
  path: '/v1/users/:id/quota',
  summary: 'Remove user quota override',
  description: 'The limit of the domain is in force again.',
  success: { 204: { description: 'The account has no limit of its own any more.' } },
  errors: [400, 404, 503],
  async handle(request, services) {
    const username = userName(param(request, 'id'))
    await orMissing(dependably(() => quotasOf(services).setLimit(username, null)))
    services.changed('user quota removed', { username }, request.author)
    return { status: 204 }
  },
}

const getDomainQuota: Route = {
  operationId: 'getDomainQuota',
  method: 'get',
  path: '/v1/domains/:domain/quota',
  summary: 'Get domain quota with user breakdown',
  description: 'A domain without accounts and without a limit is one with zeros.',
  success: { 200: { description: 'Usage and limit.', schema: schemaOf('DomainQuota') } },
  errors: [400, 503],
  async handle(request, services) {
    const domain = domainName(param(request, 'domain'), 'domain')
    const { usedBytes, limit, accounts } = await dependably(() => quotasOf(services).domainUsage(domain))
    const users = accounts.map(({ username, usedBytes, own }) => ({
      username,
      usedBytes,
      ...(own !== undefined && { quotaOverride: own }),
    }))
    return { status: 200, json: { domain, usedBytes, quotaBytes: limit, userCount: users.length, users } }
  },
}

const setDomainQuota: Route = {
  operationId: 'setDomainQuota',
  method: 'put',
  path: '/v1/domains/:domain/quota',
  summary: 'Set domain quota limit',
  description: 'A limit for each account of the domain that has none of its own; not one for all of them together.',
  body: 'SetQuotaRequest',
  success: { 200: { description: 'The limit is in force.' } },
  errors: [400, 413, 415, 503],
  async handle(request, services) {
    const domain = domainName(param(request, 'domain'), 'domain')
    const bytes = bytesIn(request)
    await dependably(() => quotasOf(services).setDomainLimit(domain, bytes))
    services.changed('domain quota set', { domain, quota_bytes: String(bytes) }, request.author)
    return { status: 200 }
  },
}

export const quotaRoutes: readonly Route[] = [
  getUserQuota,
  setUserQuota,
  clearUserQuota,
  getDomainQuota,
  setDomainQuota,
]
