import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { EndpointAddress, Session as Serve, Values } from '../../core/index.ts'
import { formatPeer, type Peer, type ProxyProtocol, peerOf, serverHandshake } from '../../core/index.ts'
import { Transport } from '../../core/kit/imap/transport.ts'
import { tlsChannel } from '../../core/kit/tls/index.ts'
import { converse } from './converse.ts'
import type { imapDirectives } from './directives.ts'
import { Session } from './session.ts'
import type { Settings } from './settings.ts'

export type ImapConfig = Values<typeof imapDirectives> & { readonly inline: readonly EndpointAddress[] }

/** How long a client may say nothing before the network has given up on it; milliseconds. */
const keepAlive = 5 * 60_000

/** Serves a client that has just connected. The order on the wire: TLS of the proxy, PROXY header, TLS, greeting. */
export const serveClient =
  (settings: Settings, proxy: ProxyProtocol | undefined): Serve =>
  async (accepted, address, stop) => {
    const { tls, log, limits, ioErrors } = settings
    let socket = accepted
    let peer = peerOf(socket)
    accepted.setKeepAlive(true, keepAlive)
    const early = AbortSignal.any([stop, AbortSignal.timeout(limits.handshake)])
    const readHeader = async (): Promise<boolean> => {
      const header = await proxy?.header(socket, log, early)
      if (header) peer = header.client
      return header !== undefined
    }
    try {
      if (proxy?.tls) socket = await serverHandshake(socket, proxy.tls, limits.handshake)
      if (address.scheme === 'tls' && tls) {
        // A proxy sends its header in front of what it passes on; one inside TLS, where 0.9 looked for it, is taken too.
        const announced = proxy !== undefined && (await readHeader())
        socket = await serverHandshake(socket, tls, limits.handshake)
        if (proxy && !announced) await readHeader()
      } else if (proxy) await readHeader()
    } catch (error) {
      if (ioErrors) log.error('I/O error', error, { src_ip: formatPeer(peer) })
      socket.destroy()
      return
    }
    using place = peer ? settings.fromAddress.take(peer.ip) : noPlace
    if (place) await converse(openSession(settings, socket, { peer, address, stop }))
    else socket.end('* BYE [LIMIT] Too many connections from your address\r\n')
  }

/** Programs of the machine itself come in any number. */
const noPlace: Disposable = { [Symbol.dispose]: () => {} }

function openSession(
  settings: Settings,
  socket: Socket,
  { peer, address, stop }: { peer: Peer | null; address: EndpointAddress; stop: AbortSignal },
): Session {
  const { log, ioDebug, tls } = settings
  const src_ip = formatPeer(peer)
  const trace = ioDebug ? (line: string) => log.info('dialogue', { src_ip, line: `S: ${line}` }) : undefined
  const session = new Session(settings, new Transport(socket, trace), {
    peer,
    stop,
    canStartTls: address.scheme === 'tcp' && tls !== null,
  })
  if (address.scheme === 'tls' && socket instanceof TLSSocket) {
    session.secure = true
    session.channel = tlsChannel(socket)
  }
  return session
}
