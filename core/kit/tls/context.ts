import { constants } from 'node:crypto'
import type { SecureContext, SecureContextOptions, SecureVersion } from 'node:tls'
import { createSecureContext, DEFAULT_CIPHERS } from 'node:tls'
import type { TlsParameters } from './parameters.ts'
import { checkPair, type KeyPair } from './pem.ts'

const tls13Suites = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256']

/**
 * OpenSSL's options for what was asked for; `oldest` is the lowest version where none was. TLS 1.0 and 1.1 sign with SHA-1,
 * which OpenSSL permits at security level 0 only.
 */
export const contextOptions = (parameters: TlsParameters, oldest: SecureVersion): SecureContextOptions => {
  const { protocols, ciphers, curves } = parameters
  const minVersion = protocols?.min ?? oldest
  const maxVersion = protocols?.max ?? 'TLSv1.3'
  // Without the suites of TLS 1.3 in the list, Node would switch TLS 1.3 off.
  const list = ciphers ? [...tls13Suites, ...ciphers] : [DEFAULT_CIPHERS]
  if (minVersion < 'TLSv1.2') list.push('@SECLEVEL=0')
  return {
    minVersion,
    maxVersion,
    ciphers: list.join(':'),
    ...(curves && { ecdhCurve: curves.join(':') }),
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}

/** A context for one certificate chain and its key. Throws when they are not PEM, or do not belong together. */
export const certificateContext = (pair: KeyPair, options: SecureContextOptions): SecureContext => {
  checkPair(pair)
  return createSecureContext({ ...options, cert: pair.cert, key: pair.key })
}
