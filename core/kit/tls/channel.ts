import { createHash, type X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { SaslChannel } from '../sasl/mechanism.ts'

/** What SASL may use of a server's TLS connection whose handshake is done. */
export const tlsChannel = (socket: TLSSocket): SaslChannel => ({
  binding(type) {
    if (type === 'tls-exporter') return exported(socket)
    return type === 'tls-server-end-point' ? endPoint(socket) : undefined
  },
  get certificate() {
    return verifiedCertificate(socket)
  },
})

/** RFC 9266 §2, §4.2: before TLS 1.3 it is unique only with an extension that Node cannot tell of, and so is not offered. */
const exported = (socket: TLSSocket): Uint8Array | undefined =>
  socket.getProtocol() === 'TLSv1.3'
    ? socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
    : undefined

/** RFC 5929 §4: a hash of the certificate by the algorithm of its signature; undefined for one that has none, or more. */
const endPoint = (socket: TLSSocket): Uint8Array | undefined => {
  const certificate = socket.getX509Certificate()
  const [, hash] =
    /^(?:ecdsa-with-)?(SHA\d+|MD5)(?:WithRSAEncryption)?$/i.exec(certificate?.signatureAlgorithm ?? '') ?? []
  if (!certificate || hash === undefined) return undefined
  const weak = hash.length <= 'SHA1'.length
  return createHash(weak ? 'sha256' : hash)
    .update(certificate.raw)
    .digest()
}

/** The client's certificate, if it has shown one that the authorities of `client_ca` vouch for. */
const verifiedCertificate = (socket: TLSSocket): X509Certificate | undefined => {
  // OpenSSL's verdict is where `tls.Server`, which this server has no use for, reads it too.
  const { _handle: handle } = socket as { readonly _handle?: { verifyError?(): Error | null | undefined } | null }
  if (handle?.verifyError?.() !== null) return undefined // also when there is no verdict
  return socket.getPeerX509Certificate()
}
