import { KeyObject, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import type { Certificate } from '../../../core/index.ts'
import { defineModule, TlsLoader, words } from '../../../core/index.ts'
import { toAscii } from '../../../core/kit/address/index.ts'

const day = 24 * 60 * 60_000
const validity = 7 * day

/** A certificate that nobody has signed, for tests and first steps. */
export default defineModule({
  name: 'tls.loader.self_signed',
  doc: 'Makes its own certificate, which is kept in memory only and renewed before its seven days are over. For tests.',
  provides: [TlsLoader],
  inline: words('NAME…', 0),
  config: {},
  create({ inline: names = [] }, { log }) {
    let certificates: readonly Certificate[] = []
    const make = async (): Promise<void> => {
      certificates = [await selfSigned(names)]
    }
    return {
      get certificates() {
        return certificates
      },
      async start(held) {
        await make()
        const renewal = setInterval(
          () => make().catch((error) => log.error('certificate could not be renewed', error)),
          validity - 2 * day,
        ).unref()
        held.defer(() => clearInterval(renewal))
      },
    }
  },
})

/** ECDSA on P-256; valid for host names and IP addresses. */
const selfSigned = async (names: readonly string[]): Promise<Certificate> => {
  await import('reflect-metadata') // the library fails to load without it
  const x509 = await import('@peculiar/x509')
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const now = Date.now()
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40 // positive (RFC 5280 §4.1.2.2), and never shorter
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial.toString('hex'),
    name: [{ O: ['Maddy Self-Signed'] }],
    notBefore: new Date(now),
    notAfter: new Date(now + validity),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    keys,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.BasicConstraintsExtension(false, undefined, true),
      ...(names.length === 0
        ? []
        : [
            new x509.SubjectAlternativeNameExtension(
              names.map((name) =>
                isIP(name) ? { type: 'ip' as const, value: name } : { type: 'dns' as const, value: toAscii(name) },
              ),
            ),
          ]),
    ],
  })
  return {
    cert: certificate.toString('pem'),
    key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
