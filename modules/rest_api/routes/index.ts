import type { Route } from '../route.ts'
import { mailboxRoutes } from './mailboxes.ts'
import { quotaRoutes } from './quotas.ts'
import { serverRoutes } from './server.ts'
import { userRoutes } from './users.ts'

/** Every operation, in the order of the document. */
export const routes: readonly Route[] = [...serverRoutes, ...userRoutes, ...mailboxRoutes, ...quotaRoutes]
