import type { PeerCertificate, TLSSocket } from 'node:tls'
import type { TlsState } from '../smtp/envelope.ts'

/** How a connection whose handshake is done is encrypted, and who the other side has shown to be; others could be anybody. */
export const tlsState = (socket: TLSSocket): TlsState => {
  const { subject, issuer } = socket.authorized ? socket.getPeerCertificate() : {}
  return {
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    certificate: subject && issuer ? { subject: distinguishedName(subject), issuer: distinguishedName(issuer) } : null,
  }
}

/** `CN=client.example,O=Example`, the most specific part first (RFC 4514). */
const distinguishedName = (name: PeerCertificate['subject']): string =>
  Object.entries(name)
    .flatMap(([type, values]) => [values].flat().map((value) => `${type}=${escaped(String(value))}`))
    .toReversed()
    .join(',')

const escaped = (value: string): string => value.replace(/^[ #]|[,+"\\<>;]| $/g, '\\$&')
