import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Node, Word } from '../../grammar/node.ts'
import { ConfigError } from '../../grammar/node.ts'
import type { Scope } from '../config/directive.ts'
import { blaming } from '../config/directive.ts'
import { pemCertificates } from '../kit/tls/pem.ts'

/** Where a directive of a block stands, to be blamed for what its value leads to. */
export const placeOf = (node: Node, directive: string): Word =>
  node.children?.find(({ name }) => name.text === directive)?.name ?? node.name

/** A file of a `tls` or `tls_client` block. Throws ConfigError. */
export const readPem = async (path: string, { at }: Word, scope: Scope): Promise<string> => {
  try {
    return await readFile(scope.path(path), 'utf8')
  } catch (cause) {
    throw new ConfigError(at, `${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

/** All certificates of some files, as PEM, to be trusted. Throws ConfigError for a file without any, or with a broken one. */
export const readAuthorities = async (paths: readonly string[], place: Word, scope: Scope): Promise<string[]> => {
  const authorities: string[] = []
  for (const path of paths) {
    const found = pemCertificates(await readPem(path, place, scope))
    if (found.length === 0) throw new ConfigError(place.at, `no certificates was loaded from ${path}`)
    for (const pem of found) blaming(place.at, () => new X509Certificate(pem)) // OpenSSL skips broken ones
    authorities.push(...found)
  }
  return authorities
}
