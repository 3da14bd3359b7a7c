import { parseDuration } from '../core/config/duration.ts'
import { BlobOwner } from '../core/mail/blob_store.ts'
import { storageBlock, storageOptions, yesOption } from './accounts.ts'
import { blockName, withBlock } from './block.ts'
import type { Call, Command, Group } from './command.ts'
import { CommandError, UsageError } from './errors.ts'
import { confirm } from './prompt.ts'

/** Keys deleted at once. */
const batch = 500

const gc: Command = {
  doc: 'Delete blobs that no message refers to, and print their keys. The server may run meanwhile. Nobody else may keep blobs in that folder, or under that prefix of that bucket: theirs would be deleted too.',
  options: {
    ...storageOptions,
    'dry-run': { type: 'boolean', doc: 'Only print the keys.' },
    'min-age': { type: 'string', usage: 'DURATION', doc: 'Leave younger blobs alone (24h).' },
    ...yesOption,
  },
  run: (call) => {
    const name = blockName(call, storageBlock)
    const minAge = age(call)
    return withBlock(call, name, BlobOwner, async (owner) => {
      if (!owner.hasBlobs) throw new CommandError(`${name} keeps bodies in its database: there are no blobs`)
      const { keys, looked } = await find(owner, minAge)
      const found = `${keys.length} of ${looked} blobs have no message`
      if (call.options.flag('dry-run') || keys.length === 0) {
        for (const key of keys) process.stdout.write(`${key}\n`)
        process.stderr.write(`${found}.\n`)
        return 0
      }
      const asked = process.stdin.isTTY === true && !call.options.flag('yes')
      await confirm(`${found}. Are they all of this server, and to be deleted?`, !asked)
      const deleted = await remove(owner, keys)
      process.stderr.write(`${found}; ${deleted} deleted.\n`)
      return 0
    })
  },
}

/** Milliseconds. */
const age = ({ options }: Call): number => {
  try {
    return parseDuration(options.text('min-age') ?? '24h')
  } catch (error) {
    throw new UsageError(`-min-age: ${error instanceof Error ? error.message : error}`)
  }
}

const find = async (owner: BlobOwner, minAge: number): Promise<{ keys: string[]; looked: number }> => {
  const keys: string[] = []
  let looked = 0
  for await (const part of owner.unreferenced(minAge)) {
    keys.push(...part.keys)
    looked += part.looked
    show(`${looked} blobs looked at, ${keys.length} without a message`)
  }
  endLine()
  return { keys, looked }
}

/** Prints each key once its blob is gone. */
const remove = async (owner: BlobOwner, keys: readonly string[]): Promise<number> => {
  let deleted = 0
  for (let at = 0; at < keys.length; at += batch) {
    const gone = await owner.discard(keys.slice(at, at + batch))
    for (const key of gone) process.stdout.write(`${key}\n`)
    deleted += gone.length
    if (!process.stdout.isTTY) show(`${deleted} of ${keys.length} blobs deleted`)
  }
  if (!process.stdout.isTTY) endLine()
  return deleted
}

/** On a terminal, in one line that is written over. */
const show = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r${text}`)
}

const endLine = (): void => {
  if (process.stderr.isTTY) process.stderr.write('\n')
}

export const blobs: Group = { doc: 'Look after the store of message bodies.', commands: { gc } }
