import type { BlobStore } from '../../../../core/index.ts'
import type { Engine } from '../engine.ts'

/**
 * Remembers whether a database has bodies outside of it. Throws when there are some and the configuration says that all
 * are inside, since those could not be read any more.
 */
export const placeOfBodies = async (engine: Engine, store: BlobStore | null): Promise<void> => {
  if (store) return engine.run('noteExternal', { external: true })
  const noted = await engine.query("SELECT 1 FROM tsmaddy_meta WHERE name = 'external_bodies'")
  if (noted.length === 0) return
  const outside = await engine.query(
    'SELECT 1 FROM extkeys e WHERE NOT EXISTS (SELECT 1 FROM tsmaddy_blobs b WHERE b.id = e.id AND b.part = 0) LIMIT 1',
  )
  if (outside.length > 0) {
    throw new Error('the database has messages whose bodies are not in it: keep the msg_store that they are in')
  }
  await engine.run('noteExternal', { external: false })
}
