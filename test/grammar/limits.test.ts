import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseText, readConfigText } from '../../grammar/index.ts'
import { memory, problemsOf, refusal } from './support.ts'

const chain = (count: number, body: (next: number) => string): string =>
  `${Array.from({ length: count }, (_, index) => `(s${index}) {\n${body(index + 1)}\n}`).join('\n')}\n(s${count}) { x }\nimport s0`

const reasons = async (text: string) => (await refusal(text)).map(({ reason }) => reason)

test('256 blocks may be nested', () => {
  assert.deepEqual(problemsOf(`${'a {\n'.repeat(256)}${'}\n'.repeat(256)}`), [])
  assert.deepEqual(problemsOf('a { '.repeat(256) + '} '.repeat(256)), [])
})

test('the 257th is refused at its brace, once', () => {
  const problem = '257:3: blocks are nested more than 256 deep'
  assert.deepEqual(problemsOf(`${'a {\n'.repeat(300)}${'}\n'.repeat(300)}`), [problem])
})

test('a hundred thousand open braces are refused', () => {
  assert.match(problemsOf('{ '.repeat(100_000)).join('\n'), /nested more than 256 deep/)
})

test('a hundred thousand closing braces are refused', () => {
  assert.match(problemsOf('} '.repeat(100_000))[0] ?? '', /unexpected \}/)
})

for (const [title, text] of Object.entries({
  'a word of a megabyte is read': `a ${'x'.repeat(2 ** 20)}`,
  'a quoted word of a megabyte is read': `a "${'x\\"'.repeat(2 ** 19)}"`,
  'a comment of a megabyte is read': `a x #${'x'.repeat(2 ** 20)}`,
  'white space of a megabyte is read': `a \\${' '.repeat(2 ** 20)}\nx`,
  'references of a megabyte that never end are read': `a ${'$({env:<env:'.repeat(2 ** 16)}`,
})) {
  test(title, async () => {
    const { nodes } = await readConfigText(text, 'f', { env: {} })
    assert.equal(nodes[0]?.args.length, 1)
  })
}

test('a line of a hundred thousand words is read', () => {
  assert.equal(parseText(`a${' x'.repeat(100_000)}`, 'f').nodes[0]?.args.length, 100_000)
})

test('imports may be nested 255 deep', async () => {
  const { nodes } = await readConfigText(
    chain(254, (next) => `import s${next}`),
    'f',
    { env: {} },
  )
  assert.equal(nodes[0]?.name.text, 'x')
})

test('imports nested deeper are refused', async () => {
  assert.deepEqual(await reasons(chain(255, (next) => `import s${next}`)), ['imports are nested more than 255 deep'])
})

test('blocks of snippets count like imports', async () => {
  const text = chain(130, (next) => `a {\nimport s${next}\n}`)
  assert.deepEqual(await reasons(text), ['imports are nested more than 255 deep'])
})

test('snippets that double with each step are refused', async () => {
  const text = chain(60, (next) => `import s${next}\nimport s${next}`)
  assert.match((await reasons(text)).join('\n'), /^macros and imports make more than 1000000 words/)
})

const macros = (first: string, next: (last: string) => string): string =>
  Array.from({ length: 40 }, (_, index) => `$(m${index}) = ${index === 0 ? first : next(`$(m${index - 1})`)}`).join(
    '\n',
  )

test('macros that double with each step are refused', async () => {
  const text = macros('x y', (last) => `${last} ${last}`)
  assert.match((await reasons(text)).join('\n'), /^macros and imports make more than 1000000 words/)
})

test('words that double with each step are refused', async () => {
  const text = macros('xy', (last) => `${last}${last}`)
  assert.match((await reasons(text)).join('\n'), /^macros make this longer than 1048576 characters/)
})

test('files that double with each step are refused', async () => {
  const files = Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [`/f${n}`, `import f${n + 1}\nimport f${n + 1}`]),
  )
  const readFile = memory({ ...files, '/f40': 'x' })
  const problems = await refusal('import /f0', { env: {}, readFile })
  assert.match(problems.map(({ reason }) => reason).join('\n'), /^more than 10000 files are imported/)
})
