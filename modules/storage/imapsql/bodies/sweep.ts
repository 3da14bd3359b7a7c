import type { BlobStore, Logger } from '../../../../core/index.ts'
import type { Engine } from '../engine.ts'
import type { Lease } from './key.ts'
import { leaseOf, newLeaseId, timeKey } from './key.ts'
import { grace, inBatches, silence, withoutMessage } from './unreferenced.ts'

const hour = 60 * 60 * 1000
/** Keys handled at once. */
const batch = 500

/** Says that this process lives, and deletes bodies that others, or this one before a crash, left behind. */
export const sweep = async (
  engine: Engine,
  store: BlobStore | null,
  lease: Lease,
  { log, stop }: { log: Logger; stop: AbortSignal },
): Promise<void> => {
  await removeStaged(engine)
  if (!store) return
  await renew(engine, lease)
  await removeDoomed(engine, store, stop)
  await removeOrphans(engine, store, { log, stop })
}

/** Says that this process lives. What it may have left behind is found once it writes under another lease. */
const renew = async (engine: Engine, lease: Lease): Promise<void> => {
  await engine.run('renewLease', { lease: lease.id, now: Date.now() })
  if (!lease.untidy) return
  const id = newLeaseId()
  await engine.run('renewLease', { lease: id, now: Date.now() })
  lease.id = id
  lease.untidy = false
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
 * Bodies that were put down and whose message never was, the process having died between the two. A store of blobs may
 * serve other databases too: only keys made under a lease of this one are looked at, once nobody has held it for so long
 * that all of them are old. So the store is gone through once for each process that died, and not every hour.
 */
const removeOrphans = async (
  engine: Engine,
  store: BlobStore,
  { log, stop }: { log: Logger; stop: AbortSignal },
): Promise<void> => {
  const rows = await engine.query<[string]>('SELECT lease FROM tsmaddy_leases WHERE alive < $1', [
    Date.now() - grace - silence,
  ])
  if (rows.length === 0) return
  const leases = new Set(rows.map(([lease]) => lease))
  let removed = 0
  for await (const blobs of inBatches(store.list())) {
    if (stop.aborted) return
    const old = blobs.filter(
      ({ key, modified }) => leases.has(leaseOf(key)) && Date.now() - modified.getTime() >= grace,
    )
    const keys = await withoutMessage(
      engine,
      old.map(({ key }) => key),
    )
    if (keys.length > 0) await store.delete(keys)
    removed += keys.length
  }
  await engine.run('endLeases', { leases: [...leases] })
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
      if (!store || lease.untidy) return // others will look after it
      await engine.run('endLeases', { leases: [lease.id] }).catch((error) => log.error('sweep of bodies failed', error))
    },
  }
}
