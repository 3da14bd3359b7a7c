import { formatPeer } from '../../core/index.ts'
import { RefusedCommand } from '../../core/kit/imap/command_reader.ts'
import { ImapBye } from '../../core/kit/imap/error.ts'
import { Interrupted, Silence } from '../../core/kit/imap/input.ts'
import { execute, receive, refuse } from './dispatch.ts'
import { capabilities } from './features.ts'
import type { Session } from './session.ts'

/** How long a client that has been told BYE may go on sending; milliseconds. */
const lingering = 2_000

/** Serves one client from the greeting to the end. Never throws. */
export async function converse(session: Session): Promise<void> {
  const { transport, settings, log } = session
  const stop = (): void => session.end('Server shutting down')
  session.stop.addEventListener('abort', stop)
  if (session.stop.aborted) stop()
  try {
    await using _ = session
    session.out.line(`* OK [CAPABILITY ${capabilities(session)}] ${settings.identity} ready`)
    const { farewell, sending } = await serve(session)
    if (farewell !== undefined) session.out.line(`* BYE ${farewell}`)
    if (sending) await transport.endOver(lingering)
    else await transport.end()
  } catch (error) {
    if (settings.ioErrors) log.error('I/O error', error, { src_ip: formatPeer(session.peer) })
    transport.destroy()
  } finally {
    session.stop.removeEventListener('abort', stop)
  }
}

/** How a conversation ends: what BYE says, if anything, and whether the client may be sending still. */
interface Ending {
  readonly farewell?: string | undefined
  readonly sending?: boolean
}

/** Runs commands, one after another. */
async function serve(session: Session): Promise<Ending> {
  const { limits } = session.settings
  let mistakes = 0
  try {
    while (!session.loggedOut) {
      if (session.farewell !== undefined) return { farewell: session.farewell }
      const inOrder = await next(session)
      if (inOrder === undefined) return {}
      mistakes = inOrder ? 0 : mistakes + 1
      if (mistakes >= (session.state === 'notAuthenticated' ? limits.strangerMistakes : limits.mistakes)) {
        return { farewell: 'Too many bad commands', sending: true }
      }
    }
    return {}
  } catch (error) {
    if (error instanceof Interrupted) return { farewell: session.farewell ?? 'Server shutting down' }
    if (error instanceof Silence) return { farewell: 'Logged out for inactivity' }
    if (error instanceof ImapBye) return { farewell: error.message, sending: true }
    throw error
  }
}

/** Whether the next command was in order; undefined when there is none. */
async function next(session: Session): Promise<boolean | undefined> {
  try {
    const command = await receive(session)
    return command && (await execute(session, command))
  } catch (error) {
    if (error instanceof RefusedCommand) return await refuse(session, error.tag, error.cause)
    throw error
  }
}
