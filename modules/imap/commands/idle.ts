import { ImapError } from '../../../core/kit/imap/error.ts'
import { type Command, loggedIn } from '../command.ts'
import type { Session } from '../session.ts'

/** IDLE (RFC 2177), with a mailbox selected or without: changes are told as they happen, until DONE. */
export const idle: Command = {
  name: 'IDLE',
  states: loggedIn,
  async run(session, args) {
    args.end()
    session.out.line('+ idling')
    const line = await listen(session)
    if (line?.toUpperCase() !== 'DONE') throw ImapError.bad('Expected DONE')
    return undefined
  },
}

/**
 * Reads one line; tells what happens to the mailbox until it is there, and now and then that nothing does. When that fails, the line is waited for all the same:
 * there is but one reader.
 */
async function listen(session: Session): Promise<string | undefined> {
  const view = session.selected
  let awake = Promise.withResolvers<void>()
  const wake = (): void => awake.resolve()
  if (view) view.onChange = wake
  const done = session.transport.input.line(session.settings.limits.line, true)
  let over = false
  let silent = false
  const end = (): void => {
    over = true
    wake()
  }
  done.then(end, end)
  const alive = setInterval(() => {
    silent = true
    wake()
  }, session.settings.limits.keepAlive)
  try {
    for (;;) {
      if (view?.pending) await tellNow(session)
      if (over) return (await done)?.text
      if (silent) await keepAlive(session)
      silent = false
      if (!view?.pending) await awake.promise
      awake = Promise.withResolvers()
    }
  } catch (error) {
    await done
    throw error
  } finally {
    clearInterval(alive)
    if (view) view.onChange = undefined
  }
}

async function keepAlive({ out }: Session): Promise<void> {
  out.line('* OK Still here')
  await out.flush()
}

async function tellNow(session: Session): Promise<void> {
  await session.tell(true)
  await session.out.flush()
}
