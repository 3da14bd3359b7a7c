import { BlobsInside, defineModule } from '../../../core/index.ts'

/** No store of its own: it tells the storage to keep bodies in a side table of its database. */
export default defineModule({
  name: 'storage.blob.sql',
  doc: 'Keeps message bodies in the database of their storage, in the commit that adds the message. Only as msg_store of storage.imapsql.',
  provides: [BlobsInside],
  config: {},
  create: () => ({ inside: true as const }),
})
