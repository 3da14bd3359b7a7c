import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import type { Migration } from '../schema/migrate.ts'
import { migrateSqlite } from '../schema/migrate.ts'

export { createAccount, deleteAccount, openAccount, setAppendLimit } from './accounts.ts'
export { append, deliver } from './append.ts'
export { dropStaged, endLeases, forgetDoomed, noteExternal, renewLease, stageBody } from './blobs.ts'
export { copy, move } from './copy.ts'
export { expunge } from './expunge.ts'
export { createMailbox, deleteMailbox, renameMailbox, subscribe } from './mailboxes.ts'
export { setDomainQuota, setUserQuota } from './quota.ts'
export { claimRecent } from './recent.ts'
export { storeFlags } from './store_flags.ts'

export const migrate = (db: Statements): Promise<Migration> => migrateSqlite(db)
