import type { Account, Mailbox } from '../core/mail/storage.ts'
import { Accounts } from '../core/mail/storage.ts'
import { blockName, blockOption, withBlock } from './block.ts'
import type { Call } from './command.ts'
import { CommandError } from './errors.ts'
import type { Options } from './options.ts'

/** The block that holds the mailboxes when nothing else is said. */
export const storageBlock = 'local_mailboxes'

export const storageOptions = blockOption(storageBlock)

export const yesOption: Options = { yes: { type: 'boolean', short: 'y', doc: 'Do not ask for confirmation.' } }

/** Runs `work` with the storage that the command is about. */
export const withStorage = <R>(call: Call, work: (storage: Accounts) => Promise<R>): Promise<R> =>
  withBlock(call, blockName(call, storageBlock), Accounts, work)

/** Runs `work` with an account, by the first word of the command. Throws CommandError when there is none. */
export const withAccount = <R>(call: Call, work: (account: Account) => Promise<R>): Promise<R> =>
  withStorage(call, async (storage) => {
    const [username = ''] = call.args
    const account = await storage.find(username)
    if (account === undefined) throw new CommandError(`there is no account ${username}`)
    return await work(account)
  })

/** Runs `work` with an opened mailbox, by the first two words of the command. */
export const withMailbox = <R>(
  call: Call,
  readOnly: boolean,
  work: (mailbox: Mailbox, account: Account) => Promise<R>,
): Promise<R> =>
  withAccount(call, async (account) => {
    await using mailbox = await account.select(call.args[1] ?? '', { readOnly })
    return await work(mailbox, account)
  })
