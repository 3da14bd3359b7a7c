import { readdir, readFile, stat } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { ModuleDefinition } from '../module.ts'

/** `.ts` in a checkout, `.js` in what is published. */
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
const root = new URL('../../', import.meta.url)

/** Where a graph finds modules. */
export interface Modules {
  /** The definition of a module by its full name; undefined when there is none. Throws ModuleError. */
  find(name: string): Promise<ModuleDefinition | undefined>
  /** The full names of all modules that can be found, sorted. */
  names(): Promise<readonly string[]>
}

/** A module is there but cannot be used. */
export class ModuleError extends Error {
  override readonly name = 'ModuleError'
}

/**
 * Finds modules by name. Those that come with tsmaddy are files whose path is the name; those of npm packages are named in
 * their package.json, `"tsmaddy": { "modules": { "check.example": "./example.js" } }`, and are looked for, when no built-in
 * module has the name, in the given folders, each a `node_modules`.
 */
export class Registry implements Modules, Disposable {
  readonly #folders: readonly string[]
  readonly #builtIn = new Map<string, Promise<ModuleDefinition | undefined>>()
  #packaged: Promise<ReadonlyMap<string, Packaged>> | undefined
  readonly #hooks: { deregister(): void }

  constructor(folders: readonly string[]) {
    this.#folders = [...folders, ...ownFolders()]
    // A package that imports `tsmaddy` is to get the running one, wherever it is installed.
    this.#hooks = registerHooks({
      resolve(specifier, context, next) {
        const url = runningCopy(specifier)
        return url === undefined ? next(specifier, context) : { url, shortCircuit: true }
      },
    })
  }

  async find(name: string): Promise<ModuleDefinition | undefined> {
    const known = this.#builtIn.get(name) ?? loadBuiltIn(name)
    this.#builtIn.set(name, known)
    return (await known) ?? (await this.#fromPackage(name))
  }

  async names(): Promise<readonly string[]> {
    return [...new Set([...(await builtInNames()), ...(await this.#packages()).keys()])].sort()
  }

  async #fromPackage(name: string): Promise<ModuleDefinition | undefined> {
    const found = (await this.#packages()).get(name)
    if (found === undefined) return undefined
    const definition = await load(pathToFileURL(found.file).href, `module ${name} of package ${found.package}`)
    if (definition.name !== name && !definition.aliases?.includes(name)) {
      throw new ModuleError(
        `package ${found.package} says that ${found.file} is ${name}, but it calls itself ${definition.name}`,
      )
    }
    return definition
  }

  #packages(): Promise<ReadonlyMap<string, Packaged>> {
    this.#packaged ??= scan(this.#folders)
    return this.#packaged
  }

  [Symbol.dispose](): void {
    this.#hooks.deregister()
  }
}

interface Packaged {
  readonly package: string
  readonly file: string
}

const runningCopy = (specifier: string): string | undefined => {
  if (specifier === 'tsmaddy') return new URL(`core/index${extension}`, root).href
  const [, kit] = /^tsmaddy\/kit\/([\w/-]+)$/.exec(specifier) ?? []
  return kit === undefined ? undefined : new URL(`core/kit/${kit}${extension}`, root).href
}

/** The `node_modules` in which tsmaddy itself is installed, or which its checkout has. */
const ownFolders = (): string[] => {
  const folders = [fileURLToPath(new URL('node_modules', root))]
  const [, above] = /^(.*\/node_modules)\/(@[^/]+\/)?tsmaddy\//.exec(fileURLToPath(root)) ?? []
  return above === undefined ? folders : [...folders, above]
}

const loadBuiltIn = async (name: string): Promise<ModuleDefinition | undefined> => {
  if (!/^[a-z0-9][a-z0-9_]*(\.[a-z0-9][a-z0-9_]*)*$/.test(name)) return undefined
  const path = `modules/${name.replaceAll('.', '/')}`
  for (const file of [`${path}${extension}`, `${path}/index${extension}`]) {
    const url = new URL(file, root)
    if (await exists(url)) return await load(url.href, `module ${name}`)
  }
  return undefined
}

const exists = (url: URL): Promise<boolean> =>
  stat(url).then(
    (found) => found.isFile(),
    () => false,
  )

const load = async (url: string, what: string): Promise<ModuleDefinition> => {
  let loaded: { readonly default?: unknown }
  try {
    loaded = await import(url)
  } catch (cause) {
    throw new ModuleError(`${what} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
  if (!isDefinition(loaded.default)) throw new ModuleError(`${what} has no default export made by defineModule`)
  return loaded.default
}

const isDefinition = (value: unknown): value is ModuleDefinition => {
  if (typeof value !== 'object' || value === null) return false
  const { name, provides, config, create } = value as Partial<ModuleDefinition>
  return (
    typeof name === 'string' && Array.isArray(provides) && typeof config === 'object' && typeof create === 'function'
  )
}

/** In `modules/` a default export is what makes a file a module; the others serve their neighbours. */
const builtInNames = async (folder = new URL('modules/', root), prefix = ''): Promise<string[]> => {
  const names: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const [, name] = /^([a-z0-9][a-z0-9_]*)(\.[tj]s)?$/.exec(entry.name) ?? []
    if (name === undefined) continue
    if (entry.isDirectory()) names.push(...(await builtInNames(new URL(`${name}/`, folder), `${prefix}${name}.`)))
    else if (entry.name.endsWith(extension)) {
      const text = await readFile(new URL(entry.name, folder), 'utf8')
      if (/^export (default\b|\{ ?default\b)/m.test(text))
        names.push(name === 'index' ? prefix.slice(0, -1) : prefix + name)
    }
  }
  return names
}

/** Reads the package.json of every package in the folders; the first to name a module provides it. */
const scan = async (folders: readonly string[]): Promise<ReadonlyMap<string, Packaged>> => {
  const modules = new Map<string, Packaged>()
  for (const folder of new Set(folders)) {
    for (const path of await packagesIn(folder)) {
      const manifest = await readManifest(join(path, 'package.json'))
      for (const [name, file] of Object.entries(manifest?.tsmaddy?.modules ?? {})) {
        if (typeof file !== 'string' || modules.has(name)) continue
        modules.set(name, { package: manifest?.name ?? path, file: join(path, file) })
      }
    }
  }
  return modules
}

const packagesIn = async (folder: string): Promise<string[]> => {
  const paths: string[] = []
  for (const entry of await readdir(folder).catch(() => [])) {
    if (entry.startsWith('@')) {
      for (const scoped of await readdir(join(folder, entry)).catch(() => [])) paths.push(join(folder, entry, scoped))
    } else if (!entry.startsWith('.')) paths.push(join(folder, entry))
  }
  return paths
}

/** What a package.json may say; anything may stand in it, since any package can be installed beside ours. */
interface Manifest {
  readonly name?: string
  readonly tsmaddy?: { readonly modules?: Readonly<Record<string, unknown>> | null } | null
}

/** Undefined for what has no readable package.json; a package that is broken otherwise is not our affair. */
const readManifest = async (file: string): Promise<Manifest | null | undefined> => {
  try {
    const text = await readFile(file, 'utf8')
    return text.includes('"tsmaddy"') ? (JSON.parse(text) as Manifest | null) : undefined
  } catch {
    return undefined
  }
}

/** Where packages with modules are looked for: beside the configuration file, and in the state directory. */
export const moduleFolders = (configFile: string, stateDirectory: string): string[] => [
  join(dirname(configFile), 'node_modules'),
  join(stateDirectory, 'modules', 'node_modules'),
]
