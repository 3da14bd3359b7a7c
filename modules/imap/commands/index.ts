import type { Command } from '../command.ts'
import { append } from './append.ts'
import { authenticate } from './authenticate.ts'
import { capability } from './capability.ts'
import { compress } from './compress.ts'
import { copy, move, uidCopy, uidMove } from './copy.ts'
import { create } from './create.ts'
import { deleteMailbox } from './delete.ts'
import { enable } from './enable.ts'
import { expunge, uidExpunge } from './expunge.ts'
import { fetch, uidFetch } from './fetch.ts'
import { id } from './id.ts'
import { idle } from './idle.ts'
import { list } from './list.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { lsub } from './lsub.ts'
import { namespace } from './namespace.ts'
import { check, noop } from './noop.ts'
import { getQuota, getQuotaRoot } from './quota.ts'
import { rename } from './rename.ts'
import { search, uidSearch } from './search.ts'
import { close, examine, select, unselect } from './select.ts'
import { sort, uidSort } from './sort.ts'
import { starttls } from './starttls.ts'
import { status } from './status.ts'
import { store, uidStore } from './store.ts'
import { subscribe, unsubscribe } from './subscribe.ts'
import { thread, uidThread } from './thread.ts'

const all: readonly Command[] = [
  capability, noop, logout, id,
  starttls, login, authenticate,
  compress, enable, namespace,
  select, examine, create, deleteMailbox, rename, subscribe, unsubscribe, list, lsub, status, append, idle,
  getQuota, getQuotaRoot,
  check, close, unselect, expunge, uidExpunge, search, uidSearch, sort, uidSort, thread, uidThread,
  fetch, uidFetch, store, uidStore, copy, uidCopy, move, uidMove,
] // biome-ignore format: in the order of the RFCs

/** Every command by its name in capitals; those with UID in front by both words. */
export const commands: ReadonlyMap<string, Command> = new Map(all.map((command) => [command.name, command]))
