import 'reflect-metadata'
import { KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

/** PEM. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
}

export interface CertificateOptions {
  /** Host names and IP addresses; the first is the common name too. */
  readonly names?: readonly string[]
  /** E-mail addresses, as certificates of users have them. */
  readonly emails?: readonly string[]
  /** Who signs it; without, it signs itself. Either way it may sign others when `authority` is set. */
  readonly issuer?: TestCertificate
  readonly authority?: boolean
  /** Where its validity begins and ends. */
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** On an RSA key of 1024 bits, which OpenSSL takes with TLS 1.0 and 1.1 only. It signs itself. */
  readonly weak?: boolean
}

const hour = 60 * 60_000
const weakAlgorithm = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 1024,
  publicExponent: new Uint8Array([1, 0, 1]),
}
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A certificate on a fresh P-256 key, valid from an hour ago for a day. `cert` is the leaf alone, without its issuer. */
export const certificate = async (options: CertificateOptions = {}): Promise<TestCertificate> => {
  const { names = ['localhost', '127.0.0.1'], emails = [], issuer, authority = false } = options
  const used = options.weak ? weakAlgorithm : algorithm
  const keys = await crypto.subtle.generateKey(used, true, ['sign', 'verify'])
  const authorityCertificate = issuer && new x509.X509Certificate(issuer.cert)
  const extensions = [
    new x509.BasicConstraintsExtension(authority, undefined, true),
    new x509.SubjectAlternativeNameExtension([
      ...names.map((name) => ({ type: isIP(name) ? 'ip' : 'dns', value: name }) as const),
      ...emails.map((value) => ({ type: 'email', value }) as const),
    ]),
  ]
  const subject = `CN=${names[0] ?? 'test'}`
  const made = await x509.X509CertificateGenerator.create({
    subject,
    issuer: authorityCertificate?.subject ?? subject,
    notBefore: options.notBefore ?? new Date(Date.now() - hour),
    notAfter: options.notAfter ?? new Date(Date.now() + 23 * hour),
    signingAlgorithm: issuer ? algorithm : used,
    publicKey: keys.publicKey,
    signingKey: issuer ? await signingKey(issuer) : keys.privateKey,
    extensions,
  })
  return {
    cert: `${made.toString('pem')}\n`,
    key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

const signingKey = ({ key }: TestCertificate) =>
  crypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(key), algorithm, false, ['sign'])
