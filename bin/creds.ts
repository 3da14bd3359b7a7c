import { hashes } from '../core/kit/password/index.ts'
import { UserError, Users } from '../core/mail/auth.ts'
import { blockName, blockOption, withBlock } from './block.ts'
import type { Call, Command, Group } from './command.ts'
import { CommandError, UsageError } from './errors.ts'
import { bcryptCostOf, hashName } from './hash_options.ts'
import type { Options } from './options.ts'
import { askPassword, confirm } from './prompt.ts'

/** The block that holds the credentials when nothing else is said. */
export const credentialsBlock = 'local_authdb'

const password: Options = {
  password: { type: 'string', short: 'p', usage: 'TEXT', doc: 'The password; asked for when this is left out.' },
}
const options = blockOption(credentialsBlock)
const yes: Options = { yes: { type: 'boolean', short: 'y', doc: 'Do not ask for confirmation.' } }

const withUsers = <R>(call: Call, work: (users: Users) => Promise<R>): Promise<R> =>
  withBlock(call, blockName(call, credentialsBlock), Users, work)

const list: Command = {
  doc: 'List the users.',
  options,
  run: (call) =>
    withUsers(call, async (users) => {
      const names = await users.list()
      if (names.length === 0) process.stderr.write('No users.\n')
      for (const name of names) process.stdout.write(`${name}\n`)
      return 0
    }),
}

const create: Command = {
  args: 'USERNAME',
  doc: 'Make a user. Mail can be kept for it once imap-acct create has made an account, too.',
  options: {
    ...options,
    ...password,
    hash: {
      type: 'string',
      usage: hashes.join('|'),
      doc: 'How the password is kept; as the block says by default, which is bcrypt unless it says otherwise.',
    },
    'bcrypt-cost': { type: 'string', usage: 'N', doc: 'How costly bcrypt is to be, from 4 to 31; 10 by default.' },
  },
  async run(call) {
    const [username = ''] = call.args
    const hash = hashName(call)
    const bcryptCost = call.options.text('bcrypt-cost') === undefined ? undefined : bcryptCostOf(call)
    return await withUsers(call, async (users) => {
      const text = await newPassword('Enter password for new user', call)
      try {
        await users.create(username, text, { ...(hash && { hash }), ...(bcryptCost && { bcryptCost }) })
      } catch (error) {
        if (error instanceof UserError && error.kind === 'unsupported')
          throw new UsageError(error.message, { cause: error })
        throw error
      }
      return 0
    })
  },
}

const remove: Command = {
  args: 'USERNAME',
  doc: 'Remove a user. Its mail stays.',
  options: { ...options, ...yes },
  run: (call) =>
    withUsers(call, async (users) => {
      const [username = ''] = call.args
      await confirm('Are you sure you want to delete this user account?', call.options.flag('yes'))
      await users.delete(username)
      return 0
    }),
}

const setPassword: Command = {
  args: 'USERNAME',
  doc: 'Change the password of a user.',
  options: { ...options, ...password },
  run: (call) =>
    withUsers(call, async (users) => {
      const [username = ''] = call.args
      await users.setPassword(username, await newPassword('Enter new password', call))
      return 0
    }),
}

/** An empty password would let everybody in. */
const newPassword = async (prompt: string, { options }: Call): Promise<string> => {
  const text = await askPassword(prompt, options.text('password'))
  if (text === '') throw new CommandError('the password is empty')
  return text
}

export const creds: Group = {
  doc: 'Manage who may log in.',
  commands: { list, create, remove, password: setPassword },
}
