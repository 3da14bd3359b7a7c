import { formatPeer } from '../../core/index.ts'
import { RefusedCommand } from '../../core/kit/imap/command_reader.ts'
import { ImapBye } from '../../core/kit/imap/error.ts'
import { Interrupted, Silence } from '../../core/kit/imap/input.ts'
import { execute, receive, refuse } from './dispatch.ts'
import { capabilities } from './features.ts'
import type { Session } from './session.ts'

/** Serves one client from the greeting to the end. Never throws. */
export async function converse(session: Session): Promise<void> {
  const { transport, settings, log } = session
  const stop = (): void => session.end('Server shutting down')
  session.stop.addEventListener('abort', stop)
  if (session.stop.aborted) stop()
  try {
    await using _ = session
    session.out.line(`* OK [CAPABILITY ${capabilities(session)}] ${settings.identity} ready`)
    const farewell = await serve(session)
    if (farewell !== undefined) session.out.line(`* BYE ${farewell}`)
    await transport.end()
  } catch (error) {
    if (settings.ioErrors) log.error('I/O error', error, { src_ip: formatPeer(session.peer) })
    transport.destroy()
  } finally {
    session.stop.removeEventListener('abort', stop)
  }
}

/** Runs commands, one after another. Resolves to what BYE is to say, if anything. */
async function serve(session: Session): Promise<string | undefined> {
  const { limits } = session.settings
  let mistakes = 0
  try {
    while (!session.loggedOut) {
      if (session.farewell !== undefined) return session.farewell
      const inOrder = await next(session)
      if (inOrder === undefined) return undefined
      mistakes = inOrder ? 0 : mistakes + 1
      if (mistakes >= (session.state === 'notAuthenticated' ? limits.strangerMistakes : limits.mistakes)) {
        return 'Too many bad commands'
      }
    }
    return undefined
  } catch (error) {
    if (error instanceof Interrupted) return session.farewell ?? 'Server shutting down'
    if (error instanceof Silence) return 'Logged out for inactivity'
    if (error instanceof ImapBye) return error.message
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
