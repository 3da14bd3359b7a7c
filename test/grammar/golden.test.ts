import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { describeProblem, parseText } from '../../grammar/index.ts'
import { outline } from './support.ts'

const folder = new URL('../golden/grammar/', import.meta.url)
const separator = '\n--------\n'

/** A directive on each line, indented as deep as it is nested; otherwise what is wrong. */
const outcome = (text: string, file: string): string => {
  const { nodes, problems, warnings } = parseText(text, file)
  if (problems.length > 0) return problems.map(describeProblem).join('\n')
  const lines = (list: typeof nodes, indent: string): string[] =>
    list.flatMap((node) => [
      `${indent}${outline([{ name: node.name, args: node.args }])}${node.children?.length === 0 ? '{}' : ''}`,
      ...lines(node.children ?? [], `${indent}  `),
    ])
  return [...lines(nodes, ''), ...warnings.map((warning) => `warning: ${describeProblem(warning)}`)].join('\n')
}

for (const name of await readdir(folder)) {
  test(`${name} gives what stands below its line of dashes`, async () => {
    const content = await readFile(new URL(name, folder), 'utf8')
    const [text = '', expected = ''] = content.split(separator)
    assert.equal(outcome(text, name), expected.trimEnd())
  })
}
