import type { QuotaBytes } from '../core/mail/quotas.ts'
import { Quotas } from '../core/mail/quotas.ts'
import type { Folder, SpecialUse } from '../core/mail/storage.ts'
import { storageBlock, storageOptions, withAccount, withStorage, yesOption } from './accounts.ts'
import { blockName, withBlock } from './block.ts'
import type { Call, Command, Group } from './command.ts'
import { CommandError, UsageError } from './errors.ts'
import { numberOption } from './number.ts'
import type { Options } from './options.ts'
import { confirm } from './prompt.ts'

const list: Command = {
  doc: 'List the accounts.',
  options: storageOptions,
  run: (call) =>
    withStorage(call, async (storage) => {
      const names = await storage.list()
      if (names.length === 0) process.stderr.write('No users.\n')
      for (const name of names) process.stdout.write(`${name}\n`)
      return 0
    }),
}

const kinds = ['sent', 'trash', 'junk', 'drafts', 'archive'] as const
const useOf = { sent: '\\Sent', trash: '\\Trash', junk: '\\Junk', drafts: '\\Drafts', archive: '\\Archive' } as const

const nameOptions: Options = Object.fromEntries(
  kinds.map((kind) => [
    `${kind}-name`,
    { type: 'string', usage: 'NAME', doc: `The name of the folder for ${useOf[kind]}; empty for none.` },
  ]),
)

const create: Command = {
  args: 'USERNAME',
  doc: 'Make an account, with its folders. creds create lets its owner log in.',
  options: {
    ...storageOptions,
    'no-specialuse': { type: 'boolean', doc: 'Make no folders besides INBOX.' },
    ...nameOptions,
  },
  run: (call) =>
    withStorage(call, async (storage) => {
      const [username = ''] = call.args
      await storage.create(username, foldersFor(call, storage.specialFolders))
      return 0
    }),
}

/** The folders that the configuration names, under the names that the options give. */
const foldersFor = ({ options }: Call, usual: readonly Folder[]): readonly Folder[] => {
  if (options.flag('no-specialuse')) return []
  return kinds.flatMap((kind): Folder[] => {
    const specialUse: SpecialUse = useOf[kind]
    const name = options.text(`${kind}-name`) ?? usual.find((folder) => folder.specialUse === specialUse)?.name ?? ''
    return name === '' ? [] : [{ name, specialUse }]
  })
}

const remove: Command = {
  args: 'USERNAME',
  doc: 'Remove an account with all its mail. Its open sessions end.',
  options: { ...storageOptions, ...yesOption },
  run: (call) =>
    withStorage(call, async (storage) => {
      const [username = ''] = call.args
      await confirm('Are you sure you want to delete this account with all its mail?', call.options.flag('yes'))
      await storage.delete(username)
      return 0
    }),
}

/** As many bytes as APPENDLIMIT can name (RFC 7889). */
const largestLimit = 2 ** 32 - 1

const appendlimit: Command = {
  args: 'USERNAME',
  doc: 'Show or change the size that a message may have to be added to the account, in bytes.',
  options: {
    ...storageOptions,
    value: { type: 'string', short: 'v', usage: 'BYTES', doc: 'The new limit; -1 for none.' },
  },
  run: (call) =>
    withAccount(call, async (account) => {
      const bytes = numberOption(call, 'value', undefined, -1, largestLimit)
      if (bytes === undefined) process.stdout.write(`${(await account.ownAppendLimit()) ?? 'No limit'}\n`)
      else await account.setAppendLimit(bytes === -1 ? null : bytes)
      return 0
    }),
}

const quota: Command = {
  args: '[USERNAME]',
  doc: 'Show how much mail an account has and may have, in bytes, or change how much it may have.',
  options: {
    ...storageOptions,
    domain: {
      type: 'string',
      usage: 'DOMAIN',
      doc: 'In place of USERNAME: what each account of a domain may have that has no limit of its own.',
    },
    value: {
      type: 'string',
      short: 'v',
      usage: 'BYTES|none',
      doc: 'The new limit; 0 for none at all, and `none` for that of the domain.',
    },
  },
  run: (call) =>
    withBlock(call, blockName(call, storageBlock), Quotas, async (quotas) => {
      const [username] = call.args
      const domain = call.options.text('domain')
      if ((username === undefined) === (domain === undefined)) throw new UsageError('give USERNAME or --domain DOMAIN')
      if (domain !== undefined) await domainQuota(call, quotas, domain)
      else await accountQuota(call, quotas, username ?? '')
      return 0
    }),
}

const accountQuota = async (call: Call, quotas: Quotas, username: string): Promise<void> => {
  const bytes = quotaOption(call)
  if (bytes !== undefined) return quotas.setLimit(username, bytes)
  const usage = await quotas.usage(username)
  if (!usage) throw new CommandError(`there is no account ${username}`)
  const from = usage.source === 'none' ? '' : ` (${usage.source})`
  process.stdout.write(`Used: ${usage.usedBytes}\nLimit: ${limitText(usage.limit)}${from}\n`)
}

/** With its accounts, and what each of them uses: `NAME<TAB>BYTES`, and `<TAB>LIMIT` where it has one of its own. */
const domainQuota = async (call: Call, quotas: Quotas, domain: string): Promise<void> => {
  const bytes = quotaOption(call)
  if (bytes !== undefined) return quotas.setDomainLimit(domain, bytes ?? 0)
  const { usedBytes, limit, accounts } = await quotas.domainUsage(domain)
  process.stdout.write(`Used: ${usedBytes}\nLimit: ${limitText(limit)}\n`)
  for (const { username, usedBytes: used, own } of accounts) {
    process.stdout.write(`${[username, used, ...(own === undefined ? [] : [limitText(own)])].join('\t')}\n`)
  }
}

const limitText = (limit: QuotaBytes): string => (limit > 0 ? String(limit) : 'none')

/** Null is `none`; undefined when the option is not given. */
const quotaOption = ({ options }: Call): QuotaBytes | null | undefined => {
  const written = options.text('value')
  if (written === undefined) return undefined
  if (written === 'none') return null
  if (!/^\d{1,19}$/.test(written) || BigInt(written) >= 2n ** 63n) {
    throw new UsageError(`-value needs a whole number of bytes below 2^63, or none, not ${written}`)
  }
  return BigInt(written)
}

export const imapAcct: Group = {
  doc: 'Manage the accounts that mail is kept for.',
  commands: { list, create, remove, appendlimit, quota },
}
