import type { SpecialUse } from '../core/mail/storage.ts'
import { storageOptions, withAccount, yesOption } from './accounts.ts'
import type { Command, Group } from './command.ts'
import { UsageError } from './errors.ts'
import { confirm } from './prompt.ts'

const list: Command = {
  args: 'USERNAME',
  doc: 'List the mailboxes of an account.',
  options: {
    ...storageOptions,
    subscribed: { type: 'boolean', short: 's', doc: 'Only those that are subscribed to.' },
  },
  run: (call) =>
    withAccount(call, async (account) => {
      const all = await account.mailboxes()
      const shown = call.options.flag('subscribed') ? all.filter(({ subscribed }) => subscribed) : all
      if (shown.length === 0) process.stderr.write('No mailboxes.\n')
      for (const { name, specialUse } of shown)
        process.stdout.write(`${name}${specialUse ? `\t[${specialUse}]` : ''}\n`)
      return 0
    }),
}

const uses: Readonly<Record<string, SpecialUse>> = {
  archive: '\\Archive',
  drafts: '\\Drafts',
  junk: '\\Junk',
  sent: '\\Sent',
  trash: '\\Trash',
}

const create: Command = {
  args: 'USERNAME NAME',
  doc: 'Make a mailbox.',
  options: {
    ...storageOptions,
    special: { type: 'string', usage: Object.keys(uses).join('|'), doc: 'What the mailbox is for.' },
  },
  async run(call) {
    const [, name = ''] = call.args
    const written = call.options.text('special')
    const use = written === undefined ? undefined : uses[written.toLowerCase()]
    if (written !== undefined && use === undefined) {
      throw new UsageError(`-special is one of ${Object.keys(uses).join(', ')}, not ${written}`)
    }
    return await withAccount(call, async (account) => {
      await account.create(name, use)
      return 0
    })
  },
}

const remove: Command = {
  args: 'USERNAME MAILBOX',
  doc: 'Remove a mailbox with all its mail.',
  options: { ...storageOptions, ...yesOption },
  run: (call) =>
    withAccount(call, async (account) => {
      const [, name = ''] = call.args
      const yes = call.options.flag('yes')
      const { messages } = await account.status(name)
      if (!yes && messages > 0) process.stderr.write(`Mailbox ${name} contains ${messages} messages.\n`)
      await confirm('Are you sure you want to delete that mailbox?', yes)
      await account.delete(name)
      return 0
    }),
}

const rename: Command = {
  args: 'USERNAME OLDNAME NEWNAME',
  doc: 'Rename a mailbox, and those below it.',
  options: storageOptions,
  run: (call) =>
    withAccount(call, async (account) => {
      const [, from = '', to = ''] = call.args
      await account.rename(from, to)
      return 0
    }),
}

export const imapMboxes: Group = {
  doc: 'Manage the mailboxes of an account.',
  commands: { list, create, remove, rename },
}
