import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { ConnectionClosed } from '../../core/kit/imap/error.ts'
import type { ServerTls } from '../../core/mail/tls.ts'
import type { Session } from './session.ts'

/** Puts TLS on a session's connection. Throws ConnectionClosed when the handshake fails or takes too long. */
export async function secure(session: Session, tls: ServerTls): Promise<void> {
  await session.transport.secure((plain) => handshake(plain, tls, session.settings.limits.handshake))
  session.secure = true
}

function handshake(plain: Duplex, tls: ServerTls, timeout: number): Promise<TLSSocket> {
  // A TLSSocket takes any duplex stream; its type asks for a Socket.
  const secured = new TLSSocket(plain as ConstructorParameters<typeof TLSSocket>[0], {
    isServer: true,
    ...tls.options(),
  })
  return new Promise((resolve, reject) => {
    const fail = (cause?: Error): void => {
      clearTimeout(timer)
      plain.destroy()
      reject(new ConnectionClosed(`TLS handshake failed: ${cause?.message ?? 'connection closed'}`, { cause }))
    }
    const closed = (): void => fail()
    const timer = setTimeout(() => fail(new Error('time-out')), timeout)
    secured.once('error', fail).once('close', closed)
    secured.once('secure', () => {
      clearTimeout(timer)
      secured.off('error', fail).off('close', closed)
      resolve(secured)
    })
  })
}
