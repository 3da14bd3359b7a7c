import type { BlobStore, Logger } from '../../../../core/index.ts'
import type { Engine } from '../engine.ts'
import type { Lease } from './key.ts'
import { leaseOf, timeKey } from './key.ts'

const hour = 60 * 60 * 1000
/** A body younger than this may belong to a message that is just being stored. */
export const grace = 24 * hour
/** Keys handled at once. */
const batch = 500

/** Says that this process lives, and deletes bodies that others, or this one before a crash, left behind. */
export const sweep = async (
  engine: Engine,
  store: BlobStore | null,
  { id }: Lease,
  { log, stop }: { log: Logger; stop: AbortSignal },
): Promise<void> => {
  await removeStaged(engine)
  if (!store) return
  await engine.run('renewLease', { lease: id, now: Date.now() })
  await removeDoomed(engine, store, stop)
  await removeOrphans(engine, store, id, { log, stop })
}

/** Bodies in the database whose message never came. Should one come after all, it is refused, since its body is gone. */
const removeStaged = async (engine: Engine): Promise<void> => {
  const rows = await engine.query<[string]>('SELECT id FROM tsmaddy_staged WHERE id < $1', [
    timeKey(Date.now() - grace),
  ])
  for (const [key] of rows) await engine.run('dropStaged', { keys: [key] })
}

/** Bodies whose last message went with a commit, after which they could not be deleted. */
const removeDoomed = async (engine: Engine, store: BlobStore, stop: AbortSignal): Promise<void> => {
  for (let after = ''; !stop.aborted; ) {
    const rows = await engine.query<[string]>(
      `SELECT id FROM tsmaddy_doomed WHERE id > $1 ORDER BY id LIMIT ${batch}`,
      [after],
    )
    if (rows.length === 0) return
    const keys = rows.map(([key]) => key)
    await store.delete(keys)
    await engine.run('forgetDoomed', { keys })
    after = keys.at(-1) ?? ''
  }
}

/**
 * Bodies that were put down and whose message never was, the process having died between the two. A folder of blobs may
 * serve other databases too: only keys made under a lease of this one, by a process that is gone, are looked at.
 */
const removeOrphans = async (
  engine: Engine,
  store: BlobStore,
  lease: string,
  { log, stop }: { log: Logger; stop: AbortSignal },
): Promise<void> => {
  const rows = await engine.query<[string, number]>('SELECT lease, alive FROM tsmaddy_leases WHERE lease <> $1', [
    lease,
  ])
  if (rows.length === 0) return
  const leases = new Set(rows.map(([each]) => each))
  let removed = 0
  for await (const { key, modified } of store.list()) {
    if (stop.aborted) return
    if (!leases.has(leaseOf(key)) || Date.now() - modified.getTime() < grace) continue
    const known = await engine.query('SELECT 1 FROM extkeys WHERE id = $1', [key])
    if (known.length > 0) continue
    await store.delete([key])
    removed++
  }
  // Whoever still lived would have said so since; what it wrote last is old enough to have been looked at.
  const ended = rows.filter(([, alive]) => Date.now() - alive > 2 * grace).map(([each]) => each)
  if (ended.length > 0) await engine.run('endLeases', { leases: ended })
  if (removed > 0) log.info('bodies without a message removed', { blobs: removed })
}

/** Sweeps now and every hour, in the background. */
export const sweepRegularly = (engine: Engine, store: BlobStore | null, lease: Lease, log: Logger): AsyncDisposable => {
  const stop = new AbortController()
  let running: Promise<void> = Promise.resolve()
  const run = (): void => {
    running = running
      .then(() => sweep(engine, store, lease, { log, stop: stop.signal }))
      .catch((error) => log.error('sweep of bodies failed', error))
  }
  run()
  const timer = setInterval(run, hour).unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      stop.abort()
      await running
      if (!store || lease.untidy) return
      await engine.run('endLeases', { leases: [lease.id] }).catch((error) => log.error('sweep of bodies failed', error))
    },
  }
}
