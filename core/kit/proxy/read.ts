import type { Socket } from 'node:net'
import { ProxyError, type ProxyHeader, scanProxyHeader } from './header.ts'

export interface ReadOptions {
  /** How long a header may take from its first octet to its last; milliseconds. */
  readonly timeout: number
  readonly signal?: AbortSignal
}

/**
 * Takes a PROXY header off a connection from which nothing has been read yet; what follows it stays there to be read.
 * Undefined when the client begins with words of its own, or leaves without any. For the first octet this waits as long as
 * `signal` lets it: a client that is behind no proxy may be waiting for the server to speak.
 * @throws ProxyError for a header that is malformed, or cut short
 */
export const readProxyHeader = (socket: Socket, { timeout, signal }: ReadOptions): Promise<ProxyHeader | undefined> =>
  new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0)
    let timer: NodeJS.Timeout | undefined
    const done = (settle: () => void) => {
      clearTimeout(timer)
      socket.off('readable', read).off('end', ended).off('close', ended).off('error', ended)
      signal?.removeEventListener('abort', ended)
      settle()
    }
    const giveBack = (from: number) => {
      if (bytes.length > from) socket.unshift(bytes.subarray(from))
    }
    const read = () => {
      const chunk: Buffer | null = socket.read()
      if (chunk === null) return
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
      timer ??= setTimeout(late, timeout)
      try {
        const scan = scanProxyHeader(bytes)
        if (scan.kind === 'more') return
        const [header, length] = scan.kind === 'found' ? [scan.header, scan.length] : [undefined, 0]
        done(() => {
          giveBack(length)
          resolve(header)
        })
      } catch (error) {
        done(() => reject(error))
      }
    }
    const late = () => done(() => reject(new ProxyError('the PROXY header did not come in time')))
    const ended = () => {
      done(() => {
        if (bytes.length > 0) reject(new ProxyError('the PROXY header was cut short'))
        else resolve(undefined)
      })
    }
    socket.on('readable', read).on('end', ended).on('close', ended).on('error', ended)
    signal?.addEventListener('abort', ended)
    if (socket.destroyed || socket.readableEnded || signal?.aborted) ended()
    else read()
  })
