import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export const productionFile = fileURLToPath(new URL('../../conf/production.conf', import.meta.url))

const page = new URL('../../docs/production.md', import.meta.url)

/** The environment that docs/production.md shows for conf/production.conf. */
export const productionEnvironment = async (): Promise<Record<string, string>> => {
  const [, block] = /^```env\n(.*?)^```$/ms.exec(await readFile(page, 'utf8')) ?? []
  assert.ok(block, 'docs/production.md has a block of the environment')
  return Object.fromEntries([...block.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]))
}

/** The variables that conf/production.conf names. */
export const productionVariables = async (): Promise<Set<string>> =>
  new Set((await readFile(productionFile, 'utf8')).matchAll(/\{env:(\w+)\}/g).map(([, name = '']) => name))
