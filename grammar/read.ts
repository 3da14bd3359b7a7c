import { Budget, GivenUp } from './budget.ts'
import { type Environment, expandEnvironment } from './environment.ts'
import { Expander } from './expand.ts'
import { ConfigError, type Node, type Problem } from './node.ts'
import { type Parsed, parseText } from './parse.ts'
import { Report } from './report.ts'
import { type ReadFile, Sources, Unreadable } from './source.ts'

export interface ReadOptions {
  /** The variables that `{env:NAME}` can name, such as `process.env`. */
  readonly env: Environment
  /** Reads a file, given its absolute path; from the disk by default. */
  readonly readFile?: ReadFile
  /** What a relative path of the root file is relative to; the working directory by default. */
  readonly cwd?: string
}

/** A configuration with nothing left to replace or to import. */
export interface Configuration {
  readonly nodes: readonly Node[]
  readonly warnings: readonly Problem[]
  /** The absolute path of every file read, the root first, for whoever wants to watch them. */
  readonly files: readonly string[]
}

/**
 * Reads a configuration file and all it imports. Positions name files as they were reached: `path` itself, and imports
 * joined to the directory of the file that imports them.
 * @throws ConfigError with everything that is wrong, also when `path` cannot be read
 */
export const readConfig = async (path: string, options: ReadOptions): Promise<Configuration> =>
  read(path, options, async (sources) => sources.load(path, undefined))

/** Like `readConfig` for a text in memory; `file` is what positions name, and where its imports are relative to. */
export const readConfigText = async (text: string, file: string, options: ReadOptions): Promise<Configuration> =>
  read(file, options, async (sources) => {
    const parsed = parseText(text, file)
    sources.tell(parsed, undefined)
    return parsed
  })

type Load = (sources: Sources) => Promise<Parsed | Unreadable>

const read = async (file: string, { env, readFile, cwd }: ReadOptions, load: Load): Promise<Configuration> => {
  const report = new Report()
  const sources = new Sources(readFile, cwd, report)
  const root = await load(sources)
  if (root instanceof Unreadable) throw new ConfigError(undefined, `cannot read ${file}: ${root.reason}`)
  const nodes = await expand(root, file, env, sources, report)
  if (report.problems.length > 0) throw new ConfigError(report.problems)
  return { nodes, warnings: report.warnings, files: sources.files }
}

const expand = async (root: Parsed, file: string, env: Environment, sources: Sources, report: Report) => {
  const budget = new Budget(report)
  try {
    const nodes = await new Expander(sources, report, budget).root(root, file)
    return expandEnvironment(nodes, env, report, budget)
  } catch (error) {
    if (error instanceof GivenUp) return [] // its reason is in the report
    throw error
  }
}
