import { readConfigText } from '../../grammar/index.ts'
import type { Node, Word } from '../../grammar/node.ts'

/** The nodes of a configuration in memory, as if it stood in `test.conf`. */
export const nodes = async (text: string, env: Readonly<Record<string, string>> = {}): Promise<readonly Node[]> =>
  (await readConfigText(text, 'test.conf', { env })).nodes

/** A directive made of words, each at its column of line 1. */
export const directive = (name: string, ...args: string[]): Node => {
  let column = 1
  const word = (text: string): Word => {
    const at = { file: 'test.conf', line: 1, column }
    column += text.length + 1
    return { text, quoted: false, at }
  }
  return { name: word(name), args: args.map(word) }
}
