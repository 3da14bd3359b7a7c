import { setTimeout as delay } from 'node:timers/promises'
import type { ClientConfig } from 'pg'
import pg from 'pg'
import { connectClient } from '../postgres_server.ts'

export interface ListenerOptions {
  readonly config: ClientConfig
  readonly onNotification: (channel: string, payload: string) => void
  /** Called when it hears again after it could not; what was said meanwhile it has missed. */
  readonly onGap: () => void
  readonly onTrouble: (error: unknown) => void
}

/** How soon, and how long at most, after it could not be connected it is tried again; milliseconds. */
const soonest = 100
const latest = 10_000

/** How often a connection on which nothing is heard is asked whether it is still there; milliseconds. */
const lookEvery = 30_000

/** Listens on channels (NOTIFY), on a connection of its own that is made anew when it is lost. */
export class PostgresListener implements AsyncDisposable {
  readonly #options: ListenerOptions
  readonly #channels = new Set<string>()
  readonly #stop = new AbortController()
  #client: pg.Client | undefined
  #running: Promise<void> | undefined

  private constructor(options: ListenerOptions) {
    this.#options = options
  }

  /** Throws when it cannot listen from the start. */
  static async open(channels: readonly string[], options: ListenerOptions): Promise<PostgresListener> {
    const listener = new PostgresListener(options)
    for (const channel of channels) listener.#channels.add(channel)
    const client = await listener.#connect()
    listener.#running = listener.#run(client)
    return listener
  }

  /** Resolves once what is said from now on will be heard; at once when there is no connection now, and a gap will be told. */
  async add(channel: string): Promise<void> {
    this.#channels.add(channel)
    await this.#client?.query(`LISTEN ${pg.escapeIdentifier(channel)}`).catch(() => undefined)
  }

  async remove(channel: string): Promise<void> {
    this.#channels.delete(channel)
    await this.#client?.query(`UNLISTEN ${pg.escapeIdentifier(channel)}`).catch(() => undefined)
  }

  async #connect(): Promise<pg.Client> {
    const client = await connectClient({ ...this.#options.config, pipeline: true, query_timeout: 10_000 })
    client.on('notification', ({ channel, payload = '' }) => this.#options.onNotification(channel, payload))
    try {
      for (const channel of this.#channels) await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`)
    } catch (error) {
      await client.end().catch(() => undefined)
      throw error
    }
    this.#client = client
    return client
  }

  async #run(first: pg.Client): Promise<void> {
    for (let client: pg.Client | undefined = first; client; client = await this.#reconnect()) {
      if (client !== first) this.#options.onGap()
      await this.#lost(client)
      this.#client = undefined
      await client.end().catch(() => undefined)
    }
  }

  async #reconnect(): Promise<pg.Client | undefined> {
    for (let pause = soonest; !this.#stop.signal.aborted; pause = Math.min(2 * pause, latest)) {
      await this.#wait(pause * (0.5 + Math.random()))
      if (this.#stop.signal.aborted) return undefined
      try {
        return await this.#connect()
      } catch (error) {
        if (pause === soonest) this.#options.onTrouble(error)
      }
    }
    return undefined
  }

  /** Resolves when the connection has gone, or is not to be used any more. */
  async #lost(client: pg.Client): Promise<void> {
    let gone = false
    const ended = new Promise<void>((resolve) => {
      client.once('end', resolve)
      client.once('error', () => resolve())
    }).then(() => {
      gone = true
    })
    while (!gone && !this.#stop.signal.aborted) {
      const waking = new AbortController()
      const signal = AbortSignal.any([waking.signal, this.#stop.signal])
      await Promise.race([ended, delay(lookEvery, undefined, { signal, ref: false }).catch(() => undefined)])
      waking.abort()
      if (gone || this.#stop.signal.aborted) return
      await client.query('SELECT 1').catch(() => {
        gone = true
      })
    }
  }

  async #wait(milliseconds: number): Promise<void> {
    await delay(milliseconds, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#running
  }
}
