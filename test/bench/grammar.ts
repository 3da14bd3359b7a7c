import { parseText, readConfigText } from '../../grammar/index.ts'

/** A configuration of about so many lines, with macros, quotes, comments, blocks and variables in it. */
const configuration = (lines: number): string => {
  const blocks = Array.from({ length: lines / 5 }, (_, index) => [
    `table.static table_${index} { # number ${index}`,
    `  entry user${index}@$(domain) "Some ${index} \\"quoted\\" words"`,
    '  entry {env:HOSTNAME} value \\',
    '    continued',
    '}',
  ])
  return `$(domain) = example.org\n${blocks.flat().join('\n')}\n`
}

/** The least of several times, in milliseconds. */
const time = async (work: () => unknown): Promise<number> => {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    const start = performance.now()
    await work()
    least = Math.min(least, performance.now() - start)
  }
  return least
}

/** How long it takes to parse, and to read with everything expanded, files of 5, 10 and 20 thousand lines. */
export const bench = async (): Promise<string[]> => {
  const report: string[] = []
  for (const lines of [5000, 10_000, 20_000]) {
    const text = configuration(lines)
    const parse = await time(() => parseText(text, 'bench.conf'))
    const read = await time(() => readConfigText(text, 'bench.conf', { env: { HOSTNAME: 'mx.example.org' } }))
    const size = `${lines} lines, ${Math.round(text.length / 1024)} KB`
    report.push(`grammar, ${size}: parse ${parse.toFixed(0)} ms, read ${read.toFixed(0)} ms`)
  }
  return report
}

if (import.meta.main) for (const line of await bench()) console.log(line)
