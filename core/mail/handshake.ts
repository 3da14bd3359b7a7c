import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ServerTls } from './tls.ts'

/** Puts TLS on a connection that has been accepted. Rejects when the handshake fails or takes longer than `timeout` milliseconds. */
export const serverHandshake = (socket: Socket, tls: ServerTls, timeout: number): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const secured = new TLSSocket(socket, { isServer: true, ...tls.options() })
    const fail = (error: Error) => {
      clearTimeout(timer)
      secured.off('close', closed).off('end', closed)
      secured.destroy() // the outer one: what is below must not go away in the middle of a handshake
      reject(error)
    }
    const closed = () => fail(new Error('the client left during the TLS handshake'))
    const timer = setTimeout(() => fail(new Error('the TLS handshake took too long')), timeout)
    secured.once('close', closed).once('end', closed).once('error', fail)
    secured.once('secure', () => {
      clearTimeout(timer)
      secured.off('close', closed).off('end', closed).off('error', fail)
      resolve(secured)
    })
  })
