import type { BlobStore } from '../../../../core/index.ts'
import type { Engine } from '../engine.ts'
import { leaseOf } from './key.ts'

const hour = 60 * 60 * 1000

/** A body younger than this may belong to a message that is just being stored. */
export const grace = 24 * hour

/** Who lives says so every hour; who has not for so long is gone. */
export const silence = 2 * hour

/** Keys handled at once. */
const batch = 500

/**
 * Blobs older than `minAge`, in milliseconds, that no message refers to. Those that a living process has put are left alone
 * for a day, since it may be about to add their messages.
 */
export async function* unreferenced(
  engine: Engine,
  store: BlobStore,
  minAge: number,
): AsyncIterable<{ readonly looked: number; readonly keys: readonly string[] }> {
  for await (const blobs of inBatches(store.list())) {
    const now = Date.now()
    // Who puts a blob has a lease before, and gives it up after the message is there: hence this order of looking.
    const rows = await engine.query<[string]>('SELECT lease FROM tsmaddy_leases WHERE alive >= $1', [now - silence])
    const living = new Set(rows.map(([lease]) => lease))
    const old = blobs.filter(({ key, modified }) => {
      const age = now - modified.getTime()
      return age >= minAge && (age >= grace || !living.has(leaseOf(key)))
    })
    const keys = await withoutMessage(
      engine,
      old.map(({ key }) => key),
    )
    yield { looked: blobs.length, keys }
  }
}

/** Those of the keys that no message refers to. */
export const withoutMessage = async (engine: Engine, keys: readonly string[]): Promise<string[]> => {
  if (keys.length === 0) return []
  const places = keys.map((_, index) => `$${index + 1}`).join(', ')
  const rows = await engine.query<[string]>(`SELECT id FROM extkeys WHERE id IN (${places})`, keys)
  const known = new Set(rows.map(([key]) => key))
  return keys.filter((key) => !known.has(key))
}

export async function* inBatches<T>(source: AsyncIterable<T>): AsyncIterable<T[]> {
  let gathered: T[] = []
  for await (const each of source) {
    gathered.push(each)
    if (gathered.length < batch) continue
    yield gathered
    gathered = []
  }
  if (gathered.length > 0) yield gathered
}
