import { connect, type Socket } from 'node:net'
import { longestTimer } from '../abort.ts'
import { MilterError } from './error.ts'
import { encodePacket, type Packet } from './packet.ts'

/** Where a filter listens. */
export type MilterAddress = { readonly host: string; readonly port: number } | { readonly path: string }

/** A longer packet is nonsense: no filter needs more than 64 KiB at a time, its headers included. */
const maxPacket = 1024 * 1024

/**
 * Packets over a socket. Each packet has `timeout` milliseconds, either way, and so has the connection to come about; 0 is no
 * limit.
 */
export class Wire {
  readonly #socket: Socket
  readonly #timeout: number
  #failure: Error | undefined

  private constructor(socket: Socket, timeout: number) {
    this.#socket = socket
    this.#timeout = timeout
    socket.setNoDelay()
    socket.on('error', (error) => {
      this.#failure = error
    })
  }

  /** Throws MilterError, or what the signal aborts with. */
  static async open(to: MilterAddress, timeout: number, signal?: AbortSignal): Promise<Wire> {
    signal?.throwIfAborted()
    const socket = connect(to)
    const wire = new Wire(socket, timeout)
    await wire.#until('the filter cannot be reached', signal, () => (socket.connecting ? undefined : true))
    return wire
  }

  get open(): boolean {
    return !this.#socket.destroyed && !this.#socket.writableEnded
  }

  /** Resolves when there is room for more. Throws MilterError, or what the signal aborts with. */
  async send(packets: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (!signal?.aborted && this.open && this.#socket.write(packets)) return
    await this.#until('the filter takes nothing', signal, () => (this.#socket.writableNeedDrain ? undefined : true))
  }

  /** The next packet. Throws MilterError, or what the signal aborts with. */
  async receive(signal?: AbortSignal): Promise<Packet> {
    let length: number | undefined
    return await this.#until('the filter does not answer', signal, () => {
      length ??= this.#take(4)?.readUInt32BE()
      if (length === undefined) return undefined
      if (length < 1 || length > maxPacket) throw new MilterError(`the filter sent a packet of ${length} bytes`)
      const bytes = this.#take(length)
      return bytes && { code: bytes.toString('latin1', 0, 1), data: bytes.subarray(1) }
    })
  }

  /** That many bytes, once they are all there; what has not been asked for stays with the system, and so cannot grow. */
  #take(count: number): Buffer | undefined {
    const bytes: Buffer | null = this.#socket.read(count)
    if (bytes?.length === count) return bytes
    if (bytes || this.#socket.readableEnded) throw new MilterError('the filter closed the connection')
    return undefined
  }

  /** Closes with a last word, as far as the filter lets it. */
  async close(packets: readonly string[]): Promise<void> {
    const socket = this.#socket
    if (socket.destroyed) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#after(() => socket.destroy())
    socket.once('close', () => resolve())
    for (const code of packets) if (this.open) socket.write(encodePacket(code))
    socket.destroySoon()
    await promise
    clearTimeout(timer)
  }

  /** Closes at once. */
  destroy(): void {
    this.#socket.destroy()
  }

  #after(late: () => void): NodeJS.Timeout | undefined {
    return this.#timeout > 0 ? setTimeout(late, Math.min(this.#timeout, longestTimer)) : undefined
  }

  /** Waits for `ready` to give something, while the connection lives. After a failure it is closed: nobody knows its state. */
  async #until<T>(complaint: string, signal: AbortSignal | undefined, ready: () => T | undefined): Promise<T> {
    const socket = this.#socket
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const look = () => {
      try {
        const found = socket.destroyed ? undefined : ready()
        if (found !== undefined) resolve(found)
        else if (socket.destroyed) reject(new MilterError(complaint, { cause: this.#failure }))
      } catch (error) {
        reject(error)
      }
    }
    const aborted = () => reject(signal?.reason)
    const timer = this.#after(() => reject(new MilterError(`${complaint} in ${this.#timeout} ms`)))
    for (const event of awaited) socket.on(event, look)
    signal?.addEventListener('abort', aborted, { once: true })
    if (signal?.aborted) aborted()
    else look()
    try {
      return await promise
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
      for (const event of awaited) socket.off(event, look)
    }
  }
}

const awaited = ['connect', 'readable', 'drain', 'end', 'close'] as const
