import { setTimeout as delay } from 'node:timers/promises'
import { isBusy, toFailure } from './errors.ts'
import type { Failure, Operations, Reply, Request } from './messages.ts'
import type { WritingConnection } from './open.ts'

/** How often a transaction that another process got in the way of is tried again. */
const attempts = 5

/**
 * Carries out a group of operations in one transaction. An operation that fails is undone alone; when the transaction
 * as a whole fails, so do all that were in it. Resolves to the replies in the order of the requests, after COMMIT.
 */
export const commitGroup = async (
  connection: WritingConnection,
  operations: Operations,
  group: readonly Request[],
): Promise<Reply[]> => {
  const failed = new Map<number, Failure>()
  for (let attempt = 1; ; ) {
    const left = group.filter(({ id }) => !failed.has(id))
    const outcome = await tryGroup(connection, operations, left)
    if (outcome.done) {
      const done = new Map(outcome.replies.map((reply) => [reply.id, reply]))
      return group.map(({ id }) => done.get(id) ?? { id, failure: failed.get(id) ?? toFailure(outcome) })
    }
    const { error, culprit } = outcome
    if (isBusy(error) && attempt < attempts) {
      await delay(attempt++ * 20 * (0.5 + Math.random()))
      continue
    }
    // An error can end the transaction with all that was in it; then the others try again without the one that met it.
    for (const { id } of culprit ? [culprit] : left) failed.set(id, toFailure(error))
  }
}

type Outcome =
  | { readonly done: true; readonly replies: Reply[] }
  | { readonly done: false; readonly error: unknown; readonly culprit: Request | undefined }

const tryGroup = async (
  { db, statements }: WritingConnection,
  operations: Operations,
  group: readonly Request[],
): Promise<Outcome> => {
  if (group.length === 0) return { done: true, replies: [] }
  const replies: Reply[] = []
  let culprit: Request | undefined
  try {
    statements.run('BEGIN IMMEDIATE')
    for (const request of group) {
      statements.run('SAVEPOINT operation')
      try {
        replies.push(await perform(statements, operations, request))
      } catch (error) {
        if (!db.isTransaction || isBusy(error)) {
          culprit = request
          throw error
        }
        statements.run('ROLLBACK TO operation')
        replies.push({ id: request.id, failure: toFailure(error) })
      }
      statements.run('RELEASE operation')
    }
    statements.run('COMMIT')
    return { done: true, replies }
  } catch (error) {
    if (db.isTransaction) statements.run('ROLLBACK')
    return { done: false, error, culprit }
  }
}

const perform = async (
  statements: WritingConnection['statements'],
  operations: Operations,
  { id, name, args }: Request,
): Promise<Reply> => {
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined
  if (!operation) throw new TypeError(`there is no operation ${name}`)
  const events: unknown[] = []
  const value = await operation(statements, args as never, (event) => events.push(event))
  return { id, value, events }
}
