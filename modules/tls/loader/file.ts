import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Certificate, Logger } from '../../../core/index.ts'
import { ConfigError, defineModule, TlsLoader, words } from '../../../core/index.ts'
import { certificateContext, contextOptions } from '../../../core/kit/tls/index.ts'
import { onChange } from '../_watch.ts'

/** Certificates from files, read anew when they change, so that whatever renews them has nobody to tell. */
export default defineModule({
  name: 'tls.loader.file',
  doc: 'Certificates and keys from PEM files. They are read anew when they change, all of them or none.',
  provides: [TlsLoader],
  kept: false, // a reload reads the files anew, and is refused when they are gone
  inline: words('CERT KEY…', 0),
  config: {
    certs: words('PATH…').doc('Certificates, absolute paths; a file may hold the chain, the leaf first.'),
    keys: words('PATH…').doc('Their keys, in the same order.'),
  },
  create({ certs = [], keys = [], inline = [] }, { at, log, path }) {
    const files = pairUp(certs, keys, inline).map(({ cert, key }) => ({ cert, key: path(key) }))
    if (files.length === 0) throw new ConfigError(at, 'at least one certificate required')
    const relative = files.find(({ cert }) => !isAbsolute(cert))
    if (relative) {
      throw new ConfigError(at, `only absolute paths allowed in certificate paths, and ${relative.cert} is not`)
    }
    let certificates: readonly Certificate[] = []

    const reload = async (): Promise<void> => {
      try {
        const found = await load(files)
        if (isDeepStrictEqual(found, certificates)) return
        log.debug('reloading certs')
        warnOfExpired(found, files, log)
        certificates = found
      } catch (error) {
        log.error('reload failed', error)
      }
    }

    return {
      get certificates() {
        return certificates
      },
      rejected: (error) => log.error('reload failed', error),
      async inspect() {
        await load(files)
      },
      async start(held) {
        held.use(onChange([...new Set(files.flatMap(({ cert, key }) => [cert, key]))], reload))
        certificates = await load(files)
        warnOfExpired(certificates, files, log)
      },
    }
  },
})

/** Paths of a certificate and its key. Throws RangeError. */
const pairUp = (certs: readonly string[], keys: readonly string[], inline: readonly string[]): Certificate[] => {
  if (inline.length % 2 !== 0) throw new RangeError('odd amount of arguments: each certificate needs its key')
  if (certs.length !== keys.length) {
    throw new RangeError(`mismatch in certs and keys count: ${certs.length} and ${keys.length}`)
  }
  const pairs = certs.map((cert, index) => ({ cert, key: keys[index] ?? '' }))
  for (let index = 0; index < inline.length; index += 2) {
    pairs.push({ cert: inline[index] ?? '', key: inline[index + 1] ?? '' })
  }
  return pairs
}

/** The content of all files. Throws when one cannot be read, is not PEM, or holds the key of another certificate. */
const load = (files: readonly Certificate[]): Promise<Certificate[]> =>
  Promise.all(
    files.map(async (paths) => {
      try {
        const [cert, key] = await Promise.all([readFile(paths.cert, 'utf8'), readFile(paths.key, 'utf8')])
        certificateContext({ cert, key }, contextOptions({}, 'TLSv1')) // as lenient as any server here can be
        return { cert, key }
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause)
        throw new Error(`failed to load ${paths.cert} and ${paths.key}: ${reason}`, { cause })
      }
    }),
  )

/** An expired certificate is served all the same: clients that do not verify, as most mail servers, go on working. */
const warnOfExpired = (certificates: readonly Certificate[], files: readonly Certificate[], log: Logger): void => {
  for (const [index, { cert }] of certificates.entries()) {
    const { validToDate } = new X509Certificate(cert)
    if (validToDate.getTime() < Date.now()) {
      log.info('certificate has expired', { path: files[index]?.cert, not_after: validToDate.toISOString() })
    }
  }
}
