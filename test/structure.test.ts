import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, posix, relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

const sources = async (folder: string): Promise<string[]> => {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && /\.(ts|js|mjs)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

/** Everything a file imports, relative paths made paths from the root. */
const importsOf = async (file: string): Promise<string[]> => {
  const text = await readFile(join(root, file), 'utf8')
  const found = text.matchAll(
    /^\s*(?:import|export)\b[^'"]*?from\s*'([^']+)'|^import\s*'([^']+)'|\bimport\('([^']+)'\)/gm,
  )
  return [...found].map(([, from, bare, dynamic]) => {
    const specifier = from ?? bare ?? dynamic ?? ''
    return specifier.startsWith('.') ? posix.normalize(posix.join(dirname(file), specifier)) : specifier
  })
}

/** A room of the house, and what those who live there may import, besides packages and their own room. */
const rooms: readonly { readonly room: RegExp; readonly may: RegExp }[] = [
  { room: /^grammar\//, may: /^grammar\// },
  { room: /^core\/kit\//, may: /^core\/kit\// },
  { room: /^core\/(role|log)\.ts$/, may: /^core\/(kit\/|role|log)/ },
  { room: /^core\/config\//, may: /^(grammar\/|core\/(kit\/|role|log|config\/))/ },
  { room: /^core\/module\.ts$/, may: /^(grammar\/|core\/(kit\/|role|log|config\/|module))/ },
  { room: /^core\/mail\//, may: /^(grammar\/|core\/(kit\/|role|log|config\/|module|mail\/))/ },
  { room: /^core\/pipeline\//, may: /^(grammar\/|core\/(kit\/|role|log|config\/|module|mail\/|pipeline\/))/ },
  { room: /^core\/runtime\//, may: /^(grammar\/|core\/)/ },
  { room: /^core\/index\.ts$/, may: /^(grammar\/|core\/)/ },
  { room: /^modules\//, may: /^(core\/(index\.ts|kit\/)|modules\/)/ },
  { room: /^bin\//, may: /^(grammar\/|core\/|modules\/|bin\/)/ },
]

test('every import runs in the direction of the house: grammar, core, modules, bin', async () => {
  const wrong: string[] = []
  for (const folder of ['grammar', 'core', 'modules', 'bin']) {
    for (const file of await sources(folder)) {
      const rules = rooms.find(({ room }) => room.test(file))
      assert.ok(rules, `${file} is in no room`)
      for (const target of await importsOf(file)) {
        const local = /^(grammar|core|modules|bin|test|conf)\//.test(target)
        if (local && !rules.may.test(target)) wrong.push(`${file} imports ${target}`)
      }
    }
  }
  assert.deepEqual(wrong, [])
})

test('a module imports another only where one is an alias of it, or a neighbour that starts with _', async () => {
  const wrong: string[] = []
  for (const file of await sources('modules')) {
    const text = await readFile(join(root, file), 'utf8')
    if (/^export \{ ?default ?\} from/m.test(text)) continue
    for (const target of await importsOf(file)) {
      if (!target.startsWith('modules/')) continue
      const neighbour = target.split('/').some((part) => part.startsWith('_'))
      if (!neighbour && folderOf(target) !== folderOf(file)) wrong.push(`${file} imports ${target}`)
    }
  }
  assert.deepEqual(wrong, [])
})

/** The folder of the module that a file belongs to: `modules/imap` for `modules/imap/fetch/body.ts`. */
const folderOf = (file: string): string => {
  const parts = file.split('/')
  return parts.slice(0, parts[1] === 'storage' ? 3 : 2).join('/')
}

test('grammar imports no package but chevrotain', async () => {
  const packages = new Set<string>()
  for (const file of await sources('grammar')) for (const target of await importsOf(file)) packages.add(target)
  const foreign = [...packages].filter((name) => !name.startsWith('grammar/') && !name.startsWith('node:'))
  assert.deepEqual(foreign, ['chevrotain'])
})
