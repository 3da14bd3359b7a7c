import { STATUS_CODES } from 'node:http'
import type { Parameter, Route } from './route.ts'
import { schemas } from './schemas.ts'

/** The document of all operations (OpenAPI 3.1). */
export const openApi = (routes: readonly Route[], version: string) => ({
  openapi: '3.1.0',
  info: {
    title: 'tsmaddy',
    version,
    description:
      'Users, mailboxes and quotas of a mail server. Names in paths are percent-encoded at will and compared without regard to case. Integers are exact up to 2^63-1; those above 2^53-1 need a reader of JSON that can tell.',
  },
  paths: paths(routes),
  components: { schemas, securitySchemes: { adminBasic: { type: 'http', scheme: 'basic' } } },
})

export type OpenApi = ReturnType<typeof openApi>

/** `/v1/users/{id}` for `/v1/users/:id`. */
export const templateOf = (path: string): string => path.replace(/:(\w+)/g, '{$1}')

const paths = (routes: readonly Route[]): Record<string, Record<string, Operation>> => {
  const all: Record<string, Record<string, Operation>> = {}
  for (const route of routes) {
    const path = templateOf(route.path)
    all[path] = { ...all[path], [route.method]: operation(route) }
  }
  return all
}

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly description?: string
  readonly parameters?: readonly object[]
  readonly requestBody?: object
  readonly security: readonly object[]
  readonly responses: Readonly<Record<string, object>>
}

const operation = (route: Route): Operation => {
  const { operationId, summary, description, body } = route
  const parameters = [...pathParameters(route.path), ...(route.query ?? []).map((each) => parameter(each, 'query'))]
  const statuses = [...new Set([...route.errors, ...everywhere(route)])].toSorted()
  return {
    operationId,
    summary,
    ...(description !== undefined && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: json({ $ref: `#/components/schemas/${body}` }) } }),
    security: route.public ? [] : [{ adminBasic: [] }],
    responses: {
      ...Object.fromEntries(
        Object.entries(route.success).map(([status, { description: text, schema }]) => [
          status,
          { description: text, ...(schema && { content: json(schema) }) },
        ]),
      ),
      ...Object.fromEntries(statuses.map((status) => [status, refusal(status)])),
    },
  }
}

/** What any request may be refused with. */
const everywhere = ({ public: open, method }: Route): number[] => [
  429,
  ...(open ? [] : [401]),
  ...(method === 'get' ? [] : [403]),
]

const refusal = (status: number): object =>
  status === 404
    ? { description: 'Not Found. Without a body.' }
    : { description: STATUS_CODES[status] ?? '', content: json({ $ref: '#/components/schemas/Error' }) }

const json = (schema: object): object => ({ 'application/json': { schema } })

const parameter = ({ name, description, schema }: Parameter, place: 'path' | 'query'): object => ({
  name,
  in: place,
  description,
  schema,
  ...(place === 'path' && { required: true }),
})

const described: Readonly<Record<string, string>> = {
  id: 'The name of the user, an e-mail address.',
  domain: 'The domain, in U-labels or A-labels.',
}

const pathParameters = (path: string): object[] =>
  [...path.matchAll(/:(\w+)/g)].map(([, name = '']) =>
    parameter({ name, description: described[name] ?? '', schema: { type: 'string' } }, 'path'),
  )
