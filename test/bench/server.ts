import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { RunningServer, type RunningServerOptions } from '../scenario/running_server.ts'
import { login, type mailServer } from '../scenario/support.ts'
import { folder } from '../support/process.ts'
import { type Probe, probeVariable } from './load/probe.ts'
import { type SmtpLoad, type SmtpLoadResult, smtpLoad } from './load/smtp.ts'

/** A server that is measured: its program runs as it is shipped, with something that watches its event loop beside it. */
export interface MeasuredServer extends AsyncDisposable {
  readonly server: RunningServer
  readonly smtp: number
  readonly imap: number
  /** Puts a load on it, and tells how it fared meanwhile. */
  measure(load: Omit<SmtpLoad, 'port'>): Promise<SmtpLoadResult & Probe>
  /** How it has fared since it was asked last. */
  probe(): Promise<Probe>
}

/** `conf` is one of `mailServer`; its first account is there from the start. */
export const measured = async (
  conf: ReturnType<typeof mailServer>,
  options: Pick<RunningServerOptions, 'args'> = {},
): Promise<MeasuredServer> => {
  await using held = new AsyncDisposableStack()
  const directory = held.use(await folder())
  const file = join(directory.path, 'probe')
  const server = held.use(
    await RunningServer.start(directory.path, conf, {
      ...options,
      env: { [probeVariable]: file },
      node: ['--import', new URL('load/probe.ts', import.meta.url).href],
    }),
  )
  const [smtp = 0, imap = 0] = await server.ports()
  if (imap > 0) (await login(imap))[Symbol.dispose]() // makes the account
  let answers = 0
  const probe = async (): Promise<Probe> => {
    answers++
    server.signal('SIGWINCH')
    for (;;) {
      const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n')
      if (lines.length > answers) return JSON.parse(lines[answers - 1] ?? '')
      await pause(5)
    }
  }
  const kept = held.move()
  return {
    server,
    smtp,
    imap,
    probe,
    async measure(load) {
      await probe()
      const result = await smtpLoad({ port: smtp, recipients: ['user1@example.test'], ...load })
      return { ...result, ...(await probe()) }
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
