import type { SecureVersion } from 'node:tls'

/** What may be said of a TLS connection besides its certificates; what is undefined is left to the library. */
export interface TlsParameters {
  readonly protocols?: ProtocolRange | undefined
  /** Of TLS 1.2 and before; OpenSSL names. */
  readonly ciphers?: readonly string[] | undefined
  /** OpenSSL names, best first. */
  readonly curves?: readonly string[] | undefined
}

export interface ProtocolRange {
  readonly min?: SecureVersion | undefined
  readonly max?: SecureVersion | undefined
}

const versions: Readonly<Record<string, SecureVersion>> = {
  'tls1.0': 'TLSv1',
  'tls1.1': 'TLSv1.1',
  'tls1.2': 'TLSv1.2',
  'tls1.3': 'TLSv1.3',
}

export const versionNames = Object.keys(versions)

/** A version from a word such as `tls1.2`; undefined for an empty one, which leaves it to the library. Throws RangeError. */
export const parseVersion = (word: string): SecureVersion | undefined => {
  if (word === '') return undefined
  const version = versions[word]
  if (version) return version
  throw new RangeError(`invalid TLS version value: ${word}; expected ${versionNames.join(', ')}`)
}

/** The versions from a lowest to a highest word, or one version alone. Throws RangeError. */
export const parseProtocols = (lowest: string, highest: string = lowest): ProtocolRange => {
  const [min, max] = [parseVersion(lowest), parseVersion(highest)]
  if (min && max && min > max) throw new RangeError(`${lowest} is newer than ${highest}: the lower version comes first`)
  return { min, max }
}

const curves: Readonly<Record<string, string>> = { p256: 'P-256', p384: 'P-384', p521: 'P-521', X25519: 'X25519' }

export const curveNames = Object.keys(curves)

/** Throws RangeError. */
export const parseCurve = (word: string): string => {
  const curve = curves[word]
  if (curve === undefined) throw new RangeError(`unknown curve: ${word}; expected ${curveNames.join(', ')}`)
  return curve
}
