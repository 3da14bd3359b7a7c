import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Logger } from '../log.ts'

/**
 * Tells systemd how things stand (sd_notify(3)), through its own program, since Node has no datagram sockets of the Unix
 * kind. A unit needs `NotifyAccess=all`. Without NOTIFY_SOCKET it does nothing; what fails is logged and goes no further.
 */
export class Systemd {
  readonly #env: NodeJS.ProcessEnv
  readonly #log: Logger
  #last: Promise<void> = Promise.resolve()

  constructor(env: NodeJS.ProcessEnv, log: Logger) {
    this.#env = env
    this.#log = log
  }

  ready(status: string): void {
    this.#send(['READY=1', `STATUS=${status}`])
  }

  reloading(): void {
    // CLOCK_MONOTONIC, by which `Type=notify-reload` tells this reload from an earlier one.
    this.#send(['RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, 'STATUS=reloading'])
  }

  stopping(): void {
    this.#send(['STOPPING=1', 'STATUS=stopping'])
  }

  failed(reason: string): void {
    this.#send([`STATUS=${reason.replaceAll('\n', '; ')}`])
  }

  /** Resolves when everything said so far has been delivered, or could not be. */
  async delivered(): Promise<void> {
    await this.#last
  }

  #send(assignments: readonly string[]): void {
    if (!this.#env.NOTIFY_SOCKET) return
    // One after the other: READY must not overtake RELOADING.
    this.#last = this.#last.then(async () => {
      try {
        await run('systemd-notify', assignments, this.#env)
      } catch (error) {
        this.#log.error('cannot notify systemd', error)
      }
    })
  }
}

const run = async (program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> => {
  const child = spawn(program, args, { env, stdio: 'ignore', timeout: 5_000 })
  const [status] = await once(child, 'exit')
  if (status !== 0) throw new Error(`${program} ended with status ${status}`)
}
