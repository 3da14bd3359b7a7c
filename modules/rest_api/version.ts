import { readFile } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'

/** The version in package.json, wherever this file has been put. */
export const packageVersion = async (): Promise<string> => {
  const file = findPackageJSON('..', import.meta.url)
  const manifest: unknown = file && JSON.parse(await readFile(file, 'utf8'))
  return manifest && typeof manifest === 'object' && 'version' in manifest ? String(manifest.version) : 'unknown'
}
