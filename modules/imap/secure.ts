import type { ServerTls } from '../../core/index.ts'
import { serverHandshake } from '../../core/index.ts'
import { ConnectionClosed } from '../../core/kit/imap/error.ts'
import { tlsChannel } from '../../core/kit/tls/index.ts'
import type { Session } from './session.ts'

/** Puts TLS on a session's connection. Throws ConnectionClosed when the handshake fails or takes too long. */
export async function secure(session: Session, tls: ServerTls): Promise<void> {
  try {
    await session.transport.secure(async (plain) => {
      const secured = await serverHandshake(plain, tls, session.settings.limits.handshake)
      session.channel = tlsChannel(secured)
      return secured
    })
  } catch (cause) {
    throw new ConnectionClosed('TLS handshake failed', { cause })
  }
  session.secure = true
}
