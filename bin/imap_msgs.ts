import { tmpdir } from 'node:os'
import { inRanges, toRanges } from '../core/kit/imap/sequence_set.ts'
import { spoolBody } from '../core/kit/message/body.ts'
import type { Mailbox, UidRange } from '../core/mail/storage.ts'
import { storageOptions, withAccount, withMailbox, yesOption } from './accounts.ts'
import type { Call, Command, Group } from './command.ts'
import { UsageError } from './errors.ts'
import { describeFully, describeShortly } from './message_text.ts'
import type { Options } from './options.ts'
import { Progress } from './progress.ts'
import { confirm } from './prompt.ts'
import { selectUids } from './selection.ts'

const uidOption: Options = {
  uid: { type: 'boolean', short: 'u', doc: 'SEQ means UIDs rather than sequence numbers.' },
}

/** Messages that are longer are kept in a file until they are stored; bytes. */
const memoryLimit = 1024 * 1024

const add: Command = {
  args: 'USERNAME MAILBOX',
  doc: 'Add the message on standard input to a mailbox; prints its UID.',
  options: {
    ...storageOptions,
    flag: { type: 'string', short: 'f', multiple: true, usage: 'FLAG', doc: 'A flag of the message; may be repeated.' },
    date: { type: 'string', short: 'd', usage: 'RFC3339', doc: 'When it was received; now by default.' },
  },
  async run(call) {
    const internalDate = dateOf(call.options.text('date'))
    await using content = await spoolBody(process.stdin, { memoryLimit, directory: tmpdir() })
    if (content.size === 0) throw new UsageError('the message on standard input is empty')
    return await withAccount(call, async (account) => {
      const [, mailbox = ''] = call.args
      const message = { content, flags: call.options.list('flag'), internalDate }
      const { uids } = await account.append(mailbox, [message])
      process.stdout.write(`${uids[0]}\n`)
      return 0
    })
  },
}

/** RFC 3339 §5.6, to the millisecond. */
const dateOf = (written: string | undefined): number => {
  if (written === undefined) return Date.now()
  const shape = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/
  const time = shape.test(written) ? Date.parse(written.replace(' ', 'T').toUpperCase()) : Number.NaN
  if (Number.isNaN(time)) throw new UsageError(`-date needs a time such as 2031-05-06T07:08:09Z, not ${written}`)
  return time
}

const flagCommand = (mode: 'add' | 'remove' | 'replace', doc: string): Command => ({
  args: 'USERNAME MAILBOX SEQ FLAG…',
  doc,
  options: { ...storageOptions, ...uidOption },
  run: (call) =>
    withMailbox(call, false, async (mailbox) => {
      const [, , , ...flags] = call.args
      await mailbox.store(chosen(mailbox, call), mode, flags)
      return 0
    }),
})

/** How many messages one commit removes: sessions that have the mailbox open learn of them bit by bit. */
const removedAtOnce = 1_000

const remove: Command = {
  args: 'USERNAME MAILBOX SEQ',
  doc: 'Remove messages for good.',
  options: { ...storageOptions, ...uidOption, ...yesOption },
  run: (call) =>
    withMailbox(call, false, async (mailbox) => {
      const uids = present(mailbox, chosen(mailbox, call))
      await confirm('Are you sure you want to delete these messages?', call.options.flag('yes'))
      using progress = new Progress(uids.length, 'messages')
      for (let done = 0; done < uids.length; done += removedAtOnce) {
        const part = toRanges(uids.slice(done, done + removedAtOnce))
        await mailbox.store(part, 'add', ['\\Deleted'])
        await mailbox.expunge(part)
        progress.add(Math.min(removedAtOnce, uids.length - done))
      }
      return 0
    }),
}

const copyCommand = (how: 'copy' | 'move', doc: string): Command => ({
  args: 'USERNAME SRCMAILBOX SEQ TGTMAILBOX',
  doc,
  options: { ...storageOptions, ...uidOption },
  run: (call) =>
    withMailbox(call, how === 'copy', async (mailbox) => {
      await mailbox[how](chosen(mailbox, call), call.args[3] ?? '')
      return 0
    }),
})

const list: Command = {
  args: 'USERNAME MAILBOX [SEQ]',
  doc: 'List messages.',
  options: {
    ...storageOptions,
    ...uidOption,
    full: { type: 'boolean', short: 'f', doc: 'Show all that is known of each message.' },
  },
  run: (call) =>
    withMailbox(call, true, async (mailbox) => {
      const describe = call.options.flag('full') ? describeFully : describeShortly
      const number = new Map(mailbox.snapshot.uids.map((uid, index) => [uid, index + 1]))
      const uids = chosen(mailbox, call)
      if (uids.length === 0) process.stderr.write('No messages.\n')
      for await (const message of mailbox.messages(uids, { header: true })) {
        await print(describe(message, number.get(message.uid) ?? 0))
      }
      return 0
    }),
}

const dump: Command = {
  args: 'USERNAME MAILBOX [SEQ]',
  doc: 'Write messages to standard output as they are, one after the other. None becomes \\Seen by it.',
  options: { ...storageOptions, ...uidOption },
  run: (call) =>
    withMailbox(call, true, async (mailbox) => {
      const uids = present(mailbox, chosen(mailbox, call))
      using progress = new Progress(uids.length, 'messages', { alone: true })
      for (const uid of uids) {
        for await (const chunk of (await mailbox.content(uid)).read()) await print(chunk)
        progress.add()
      }
      return 0
    }),
}

/** The UIDs that SEQ stands for; all when there is none. */
const chosen = (mailbox: Mailbox, { args, options }: Call): readonly UidRange[] => {
  const byUid = options.flag('uid')
  const written = args[2]
  if (written !== undefined && !byUid) {
    process.stderr.write(
      'WARNING: sequence numbers are used; UIDs will be the default in a later version. Use --uid.\n',
    )
  }
  return selectUids(mailbox.snapshot.uids, written, byUid)
}

/** The UIDs of the messages that are there, ascending. */
const present = (mailbox: Mailbox, ranges: readonly UidRange[]): readonly number[] =>
  mailbox.snapshot.uids.filter((uid) => inRanges(ranges, uid))

/** Waits for a reader that is slower. */
const print = async (text: string | Uint8Array): Promise<void> => {
  if (process.stdout.write(text)) return
  await new Promise<void>((resolve) => process.stdout.once('drain', resolve))
}

export const imapMsgs: Group = {
  doc: 'Manage the messages of a mailbox.',
  commands: {
    add,
    'add-flags': flagCommand('add', 'Add flags to messages.'),
    'rem-flags': flagCommand('remove', 'Take flags from messages.'),
    'set-flags': flagCommand('replace', 'Give messages these flags and no others.'),
    remove,
    copy: copyCommand('copy', 'Copy messages to another mailbox of the account.'),
    move: copyCommand('move', 'Move messages to another mailbox of the account.'),
    list,
    dump,
  },
}
