import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer } from 'node:net'

/** What becomes of the next COMMIT that a client sends. */
export type Cut =
  /** The connection is cut, and the server never sees it. */
  | 'before'
  /** The server carries it out, and its answer is lost with the connection. */
  | 'after'
  /** The same, and nobody gets through from then on. */
  | 'for good'

/** Stands between a client and PostgreSQL, and cuts the connection in the middle of a COMMIT when it is told to. */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number
  /** How often connections were cut. */
  readonly cuts: number
  cutNext(cut: Cut): void
  /** Whether anybody gets through; cuts what is there when nobody does. */
  open: boolean
}

export const cuttingProxy = async (port: number): Promise<CuttingProxy> => {
  const sockets = new Set<Socket>()
  let pending: Cut | undefined
  let cuts = 0
  let open = true
  const server = createServer((client) => {
    if (!open) {
      client.destroy()
      return
    }
    const upstream = connect(port, '127.0.0.1')
    const end = (): void => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    let deaf = false
    client.on('data', (chunk) => {
      const cut = chunk.includes('COMMIT\0') && !chunk.includes('BEGIN') ? pending : undefined
      if (cut) {
        pending = undefined
        cuts++
      }
      if (cut === 'before') return end()
      deaf ||= cut !== undefined
      if (cut === 'for good') open = false
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => {
      if (deaf) end()
      else client.write(chunk)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get cuts() {
      return cuts
    },
    cutNext(cut) {
      pending = cut
    },
    get open() {
      return open
    },
    set open(value) {
      open = value
      if (!value) for (const socket of sockets) socket.destroy()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
