import type { Address, Envelope, FailAction, Inspection, Message, Verdict } from '../../core/index.ts'
import { Check, checkDirectives, defineModule, judge, oneOf, SmtpError, words } from '../../core/index.ts'
import { formatAddress } from '../../core/kit/address/index.ts'
import { contentOf } from '../../core/kit/message/index.ts'
import { fillPlaceholders, findProgram, runProgram } from '../../core/kit/process/index.ts'
import { exitAction } from './_command/exit_action.ts'
import { readFields } from './_command/fields.ts'

/** What a program is told besides the connection. */
interface Given {
  readonly sender: string
  readonly recipients: readonly string[]
  /** The one the stage is about; empty at other stages. */
  readonly address?: string
  readonly message?: Message
}

const usual: readonly (readonly [number, FailAction])[] = [
  [1, { action: 'reject', reply: undefined }],
  [2, { action: 'quarantine', reply: undefined }],
]

/** A program whose exit status says what is to be done with a message. */
export default defineModule({
  name: 'check.command',
  doc: 'Runs a program, whose exit status says what is to be done. It may print fields, which are put on top of the message.',
  provides: [Check],
  inline: words('PROGRAM [ARGUMENT…]').required(),
  config: {
    ...checkDirectives,
    run_on: oneOf('conn', 'sender', 'rcpt', 'body')
      .default('body')
      .doc('When the program runs: for the client, the sender, each recipient, or the message, which it reads then.'),
    code: exitAction()
      .many()
      .doc(
        'What is done when the program ends with that status; -1 stands for a signal. Unless told otherwise 1 rejects and 2 quarantines. 0 always passes; a status that is not named defers the message.',
      ),
  },
  create({ inline: [program, ...args], run_on, code, timeout }, { directories: { state, libexec } }) {
    const find = () => findProgram(program, { directory: state, libexec })
    const actions = new Map([...usual, ...code])
    let file = program

    const run = async (envelope: Envelope, given: Given, signal: AbortSignal): Promise<Verdict | undefined> => {
      const { message } = given
      const filled = fillPlaceholders(args, placeholders(envelope, given))
      const details = { check: 'command', cmd: [program, ...filled].join(' ') }
      try {
        const input = message && contentOf(message).read()
        const ended = await runProgram(file, filled, {
          cwd: state,
          ...(input && { input }),
          output: readFields,
          signal,
        })
        const { output: fields, status } = ended
        if (status === 0) return { fields }
        const action = actions.get(status)
        const told = { ...details, exit_code: status, ...(ended.signal && { signal: ended.signal }) }
        return { fields, ...(action ? judge(action, refusal(told)) : broken(told)) }
      } catch (cause) {
        if (signal.aborted) throw cause
        return broken({ ...details, cause })
      }
    }

    return {
      name: 'command',
      timeout,
      inspect: async () => void (await find()),
      async start() {
        file = await find()
      },
      begin(envelope): Inspection {
        let sender = ''
        const recipients: string[] = []
        const runs = (stage: typeof run_on, given: Partial<Given>, signal: AbortSignal) =>
          stage === run_on ? run(envelope, { sender, recipients, ...given }, signal) : Promise.resolve(undefined)
        return {
          connection: (signal) => runs('conn', {}, signal),
          sender(from: Address | null, signal) {
            sender = from ? formatAddress(from) : ''
            return runs('sender', { address: sender }, signal)
          },
          recipient(to, signal) {
            const address = formatAddress(to)
            recipients.push(address)
            return runs('rcpt', { address }, signal)
          },
          message: (message, signal) => runs('body', { message }, signal),
        }
      },
    }
  },
})

/** The first words have been said so for as long as there is maddy. */
const refusal = (details: Readonly<Record<string, unknown>>): SmtpError =>
  SmtpError.permanent(550, '5.7.1', 'Message rejected for due to a local policy', details)

const broken = (details: Readonly<Record<string, unknown>>): Verdict => ({
  action: 'reject',
  reason: SmtpError.temporary(450, '4.0.0', 'Internal server error', details),
})

const placeholders = (
  { id, origin }: Envelope,
  { sender, recipients, address = '' }: Given,
): ReadonlyMap<string, string> =>
  new Map([
    ['source_ip', origin.peer?.ip ?? ''],
    ['source_host', origin.helo],
    ['source_rdns', origin.rdns ?? ''],
    ['msg_id', id],
    ['auth_user', origin.user ?? ''],
    ['sender', sender],
    ['rcpts', recipients.join('\n')],
    ['address', address],
  ])
