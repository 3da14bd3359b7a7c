import type { Value } from './database.ts'

const asText = (text: string): Value => text

/** By the object identifier of the type (pg_type). What is not here stays as the server writes it. */
const parsers = new Map<number, (text: string) => Value>([
  [16, (text) => text === 't'],
  [17, (text) => Buffer.from(text.slice(2), 'hex')], // bytea; hex is what every server since 9.0 sends
  [20, (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text))],
  [21, Number],
  [23, Number],
  [26, Number],
  [700, Number],
  [701, Number],
])

/** Values as this house has them: integers are numbers while these are exact, bytea is a Buffer. */
export const postgresTypes = { getTypeParser: (oid: number) => parsers.get(oid) ?? asText }
