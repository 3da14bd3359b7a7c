import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { isConflict, isLost, StatementNames, writerError } from '../../../core/kit/sql/postgres_writer/index.ts'

const failure = (code: string): pg.DatabaseError =>
  Object.assign(new pg.DatabaseError('it failed', 9, 'error'), { code })

test('a server that stops, starts, is full or takes no writes is another connection’s chance', () => {
  for (const code of ['57P01', '57P02', '57P03', '08006', '53300', '25006', '25P03']) {
    assert.ok(isLost(failure(code)), code)
    assert.equal(writerError(failure(code)).kind, 'unavailable')
  }
  for (const code of ['23505', '42601', '40001', '57014', '53100']) assert.ok(!isLost(failure(code)), code)
})

test('a connection that breaks is lost, and what an operation throws is not', () => {
  const lost = [
    Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
    Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
    new Error('Connection terminated unexpectedly'),
    new Error('Client has encountered a connection error and is not queryable'),
    new Error('Query read timeout'),
    new Error('timeout exceeded when trying to connect'),
  ]
  for (const error of lost) assert.ok(isLost(error), error.message)
  const own = [
    new Error('body 1 is gone'),
    new RangeError('no flag'),
    Object.assign(new TypeError(), { code: 'ERR_X' }),
  ]
  for (const error of own) assert.ok(!isLost(error), error.message)
})

test('conflicts can be tried again; other failures are told by their kind', () => {
  for (const code of ['40001', '40P01', '55P03']) assert.ok(isConflict(failure(code)), code)
  assert.ok(!isConflict(failure('23505')))
  const kinds = {
    '40001': 'busy',
    '55P03': 'busy',
    '57014': 'busy',
    '53100': 'full',
    '23505': 'conflict',
    '42601': 'refused',
  }
  for (const [code, kind] of Object.entries(kinds)) assert.equal(writerError(failure(code)).kind, kind, code)
})

test('an error of an operation keeps its name and its fields', () => {
  const { kind, thrown } = writerError(Object.assign(new Error('no'), { name: 'Refusal', reason: 'exists' }))
  assert.equal(kind, 'refused')
  assert.deepEqual([thrown.name, thrown.fields.reason], ['Refusal', 'exists'])
})

test('a statement has a name from its second use on, and no end of different ones does not fill the server', () => {
  const names = new StatementNames()
  assert.deepEqual([names.of('a'), names.of('a'), names.of('a'), names.of('b')], [undefined, 't0', 't0', undefined])
  for (let n = 0; n < 5000; n++) names.of(`other ${n}`)
  const given = Array.from({ length: 3000 }, (_, n) => [names.of(`x${n}`), names.of(`x${n}`)][1])
  assert.equal(new Set(given.filter((name) => name !== undefined)).size, 999)
  assert.equal(names.of('a'), 't0')
})
