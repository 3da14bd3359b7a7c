import type { FilterInput, FilterVerdict } from '../../../core/index.ts'
import { defineModule, duration, ImapFilter, words } from '../../../core/index.ts'
import { formatAddress } from '../../../core/kit/address/index.ts'
import { contentOf } from '../../../core/kit/message/index.ts'
import { fillPlaceholders, findProgram } from '../../../core/kit/process/index.ts'
import { runFilter } from './_run.ts'

/** A program that is given the message and says where it is to go. */
export default defineModule({
  name: 'imap.filter.command',
  doc: 'Runs a program for each message and account. The first line it prints is the mailbox, the others are flags.',
  provides: [ImapFilter],
  inline: words('PROGRAM [ARGUMENT…]').required(),
  config: {
    timeout: duration().default('30s').doc('How long the program may take; then it is killed, and counts as absent.'),
  },
  create({ inline: [program, ...args], timeout }, { directories: { state, libexec }, log }) {
    const find = () => findProgram(program, { directory: state, libexec })
    return {
      inspect: async () => void (await find()),
      async filter(input: FilterInput): Promise<FilterVerdict> {
        // Only the arguments: what is run does not depend on what a stranger has written.
        const lines = await runFilter(await find(), fillPlaceholders(args, placeholders(input)), {
          cwd: state,
          input: contentOf(input.message).read(),
          timeout,
          onStderr: (line) => log.info('filter said', { msg_id: input.envelope.id, line }),
        })
        const [folder = '', ...flags] = lines.map((line) => line.trim())
        return { folder: folder || undefined, flags: flags.filter((flag) => flag !== '') }
      },
    }
  },
})

const placeholders = ({
  envelope,
  account,
  recipient,
  original,
  message,
}: FilterInput): ReadonlyMap<string, string> => {
  const { origin } = envelope
  return new Map([
    ['source_ip', origin.peer?.ip ?? ''],
    ['source_host', origin.helo],
    ['source_rdns', origin.rdns ?? ''],
    ['msg_id', envelope.id],
    ['auth_user', origin.user ?? ''],
    ['sender', envelope.originalReversePath],
    ['rcpt_to', formatAddress(recipient)],
    ['original_rcpt_to', formatAddress(original)],
    ['subject', message.header.get('Subject') ?? ''],
    ['account_name', account],
  ])
}
