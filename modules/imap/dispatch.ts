import { formatPeer } from '../../core/index.ts'
import { Arguments } from '../../core/kit/imap/arguments.ts'
import {
  disposePieces,
  type LiteralMark,
  type ReceivedCommand,
  readCommand,
  type TakeLiteral,
} from '../../core/kit/imap/command_reader.ts'
import { ConnectionClosed, ImapBye, ImapError } from '../../core/kit/imap/error.ts'
import { Interrupted, Silence } from '../../core/kit/imap/input.ts'
import { spoolBody } from '../../core/kit/message/body.ts'
import type { Command, Completion } from './command.ts'
import { commands } from './commands/index.ts'
import { failureOf } from './failure.ts'
import type { Session } from './session.ts'

type Pieces = ReceivedCommand['pieces']

/** The next command with its literals; undefined at the end. Throws what `readCommand` throws. */
export function receive(session: Session): Promise<ReceivedCommand | undefined> {
  const { limits } = session.settings
  const stranger = session.state === 'notAuthenticated'
  const { input, output } = session.transport
  input.timeout = stranger ? limits.strangerIdle : limits.idle
  const proceed = async (): Promise<void> => {
    output.line('+ Ready for literal data')
    await output.flush()
  }
  return readCommand(input, proceed, {
    lineLimit: limits.line,
    commandLimit: stranger ? limits.strangerCommand + limits.line : limits.command,
    dropLimit: stranger ? limits.strangerCommand : limits.drop,
    literal: (before, mark, take) => takeLiteral(session, before, mark, take),
  })
}

async function takeLiteral(session: Session, before: Pieces, { size, binary }: LiteralMark, take: TakeLiteral) {
  const { limits, spoolDirectory } = session.settings
  if (binary) throw ImapError.bad('Binary literals are not supported')
  const { name, command: found, args } = find(before)
  const command = allowed(name, found, session)
  if (await command.spool?.(session, args, size)) {
    return { size, body: await spoolBody(take(), { memoryLimit: limits.spoolMemory, directory: spoolDirectory }) }
  }
  if (size > (session.state === 'notAuthenticated' ? limits.strangerCommand : limits.command)) {
    throw new ImapError('BAD', 'TOOBIG', 'Literal too large')
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of take()) chunks.push(chunk)
  return { size, bytes: Buffer.concat(chunks) }
}

/** The command whose name stands at the beginning, and the arguments after it. */
function find(pieces: Pieces): { name: string; command: Command | undefined; args: Arguments } {
  const args = new Arguments(pieces)
  let name = args.keyword('a command')
  if (name === 'UID') {
    args.space()
    name += ` ${args.keyword('a command')}`
  }
  const command = commands.get(name)
  if (command && !args.done) args.space()
  return { name, command, args }
}

/** Runs one command and answers it. True when it was in order, at least as to its form. */
export async function execute(session: Session, { tag, pieces }: ReceivedCommand): Promise<boolean> {
  let command: Command | undefined
  try {
    const found = find(pieces)
    command = allowed(found.name, found.command, session)
    if (session.settings.ioDebug) trace(session, masked(tag, found.name, pieces))
    const completion = await command.run(session, found.args, tag)
    await session.tell(command.expunges !== false)
    session.out.line(completed(tag, command, completion))
    await completion?.afterwards?.()
    return true
  } catch (error) {
    return await refuse(session, tag, error, command)
  } finally {
    await disposePieces(pieces)
  }
}

function completed(tag: string, { name }: Command, completion: Completion | undefined): string {
  const code = completion?.code === undefined ? '' : `[${completion.code}] `
  return `${tag} OK ${code}${completion?.text ?? `${name} completed`}`
}

function allowed(name: string, command: Command | undefined, session: Session): Command {
  if (!command) throw ImapError.bad('Unknown command')
  const { state } = session
  if (command.states.includes(state)) return command
  if (state === 'notAuthenticated') throw new ImapError('NO', undefined, 'Not authenticated')
  if (state === 'authenticated') throw new ImapError('NO', undefined, 'No mailbox selected')
  throw ImapError.bad(`${name} is not possible now`)
}

/** Answers a command that failed. False when it was one the client should not have sent. */
export async function refuse(session: Session, tag: string | undefined, error: unknown, command?: Command) {
  if (fatal(error)) throw error
  const { response, unforeseen } = failureOf(error)
  if (unforeseen)
    session.log.error('command failed', error, { command: command?.name ?? '', username: session.username })
  if (command && response.status === 'NO') await session.tell(command.expunges !== false).catch(() => {})
  const code = response.code === undefined ? '' : `[${response.code}] `
  session.out.line(`${tag ?? '*'} ${response.status} ${code}${response.message}`)
  return response.status === 'NO'
}

/** Errors after which there is no connection to answer on. */
export const fatal = (error: unknown): boolean =>
  [ConnectionClosed, ImapBye, Interrupted, Silence].some((kind) => error instanceof kind)

const trace = (session: Session, line: string): void =>
  session.log.info('dialogue', { src_ip: formatPeer(session.peer), line: `C: ${line}` })

/** A command as it may be logged. */
function masked(tag: string, name: string, pieces: Pieces): string {
  if (name === 'LOGIN' || name === 'AUTHENTICATE') return `${tag} ${name} ***`
  return `${tag}${pieces.map((piece) => (typeof piece === 'string' ? ` ${piece}` : `{${piece.size}}`)).join('')}`
}
