import {
  ConfigError,
  describeProblem,
  type Node,
  type Problem,
  parseText,
  readConfigText,
} from '../../grammar/index.ts'

/** Nodes in one line: `name[argument|argument]{child; child}`, each with `@line` if asked for. */
export const outline = (nodes: readonly Node[], lines = false): string =>
  nodes
    .map(({ name, args, children }) => {
      const line = lines ? `@${name.at.line}` : ''
      const inner = children ? `{${outline(children, lines)}}` : ''
      return `${name.text}[${args.map(({ text }) => text || '""').join('|')}]${line}${inner}`
    })
    .join('; ')

/** Reads from files in memory, whose paths are absolute. */
export const memory =
  (files: Readonly<Record<string, string | Uint8Array>>) =>
  async (path: string): Promise<string | Uint8Array> => {
    const content = files[path]
    if (content !== undefined) return content
    const directory = Object.keys(files).some((file) => file.startsWith(path === '/' ? path : `${path}/`))
    throw Object.assign(new Error(`cannot read ${path}`), { code: directory ? 'EISDIR' : 'ENOENT' })
  }

/** What is wrong with a text on its own: `line:column: reason`. */
export const problemsOf = (text: string): string[] => parseText(text, 'f').problems.map(inFile)

/** What a text on its own is warned of: `line:column: reason`. */
export const warningsOf = (text: string): string[] => parseText(text, 'f').warnings.map(inFile)

const inFile = (problem: Problem): string => describeProblem(problem).replace(/^f:/, '')

/** Everything that keeps a configuration in memory from being read; empty when it can be. */
export const refusal = async (text: string, options: Parameters<typeof readConfigText>[2] = { env: {} }) => {
  try {
    await readConfigText(text, '/etc/maddy.conf', options)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

/** Nodes written so that reading them gives the same nodes, with quotes only where they are needed. */
export const print = (nodes: readonly Node[], indent = ''): string =>
  nodes
    .map(({ name, args, children }) => {
      const words = [name, ...args].map(({ text }) => quoteIfNeeded(text)).join(' ')
      const block = children ? ` {\n${print(children, `${indent}  `)}${indent}}` : ''
      return `${indent}${words}${block}\n`
    })
    .join('')

const quoteIfNeeded = (text: string): string => {
  const bare = /^(?!(?:[{}\\]|\{\})$)[^\p{White_Space}"#][^\p{White_Space}#]*$/u.test(text)
  return bare ? text : `"${text.replaceAll('"', '\\"')}"`
}
