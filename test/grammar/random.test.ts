import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConfigError, type Node, parseText, readConfigText } from '../../grammar/index.ts'
import { grammar } from '../../grammar/parser.ts'
import { memory, print } from './support.ts'

const pieces = [
  ...['{', '}', '{}', '"', '\\', '\\"', '#', '\n', '\r\n', '\r', ' ', '\t', '\u00A0', '\uFEFF', '\0', '\uD800'],
  ...[
    'a',
    'b{',
    '}c',
    '1',
    '=',
    '$(',
    ')',
    '$(m)',
    '$(m) = x',
    '(s)',
    'import',
    'import s',
    'import f',
    '{env:X}',
    '<env:X>',
  ],
]

/** Texts made of what has a meaning, joined at random. */
const texts = fc
  .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3 })), { maxLength: 60 })
  .map((all) => all.join(''))

const readFile = memory({ '/f': '$(m) = f\n(s) { in f }\nimport g', '/g.conf': 'x {\nimport s\n}\n(s) { y }' })

test('any text is read or refused, and leaves no block open for the parser', () => {
  fc.assert(
    fc.property(texts, (text) => {
      parseText(text, 'f')
      assert.deepEqual(grammar.errors, [])
    }),
    { numRuns: 2000 },
  )
})

test('any text is a configuration or a ConfigError with positions in it', async () => {
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const lines = text.split('\n').length
      try {
        await readConfigText(text, '/root', { env: { X: '}"$(m)' }, readFile })
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error
        for (const { at } of error.problems) assert.ok(at && at.line >= 1 && at.column >= 1 && at.line <= lines + 10)
      }
    }),
    { numRuns: 1000 },
  )
})

test('any bytes are a configuration or a ConfigError', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const read = readConfigText('import bytes', '/root', { env: {}, readFile: async () => bytes })
      await read.catch((error: unknown) => assert.ok(error instanceof ConfigError))
    }),
    { numRuns: 300 },
  )
})

interface Plain {
  readonly name: string
  readonly args: readonly string[]
  readonly children?: readonly Plain[]
}

const plain = ({ name, args, children }: Node): Plain => ({
  name: name.text,
  args: args.map(({ text }) => text),
  ...(children && { children: children.map(plain) }),
})

// A backslash cannot be the last character of a quoted word, and one before a quote would escape it.
const word = fc
  .string({ unit: fc.constantFrom(...'ab"#{}$() \t\n=\\é\u0085\u3000'), maxLength: 6 })
  .filter((text) => !/\\(?=["\\]|$)/.test(text))

const { node } = fc.letrec<{ node: Plain; children: readonly Plain[] }>((tie) => ({
  node: fc.record(
    {
      name: fc.stringMatching(/^[a-z._-][a-z0-9._-]{0,4}$/),
      args: fc.array(word, { maxLength: 4 }),
      children: tie('children'),
    },
    { requiredKeys: ['name', 'args'], noNullPrototype: true },
  ),
  children: fc.array(tie('node'), { maxLength: 3 }),
}))

const at = { file: 'f', line: 1, column: 1 }

const asNode = ({ name, args, children }: Plain): Node => ({
  name: { text: name, quoted: false, at },
  args: args.map((text) => ({ text, quoted: false, at })),
  ...(children && { children: children.map(asNode) }),
})

test('nodes that are written down and read again are the same', () => {
  fc.assert(
    fc.property(fc.array(node, { maxLength: 4 }), (nodes) => {
      const { nodes: again, problems } = parseText(print(nodes.map(asNode)), 'f')
      const refused = problems.filter(({ reason }) => !reason.startsWith('import cannot'))
      assert.deepEqual(refused, [])
      assert.deepEqual(again.map(plain), nodes)
    }),
    { numRuns: 500 },
  )
})

test('what was read stays the same when it is written down and read again', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const { nodes, problems } = parseText(text, 'f')
      // A lone backslash can be a word before a }, but not at the end of a line, where it would continue it.
      fc.pre(problems.length === 0 && !/"\\\\"/.test(JSON.stringify(nodes.map(plain))))
      assert.deepEqual(parseText(print(nodes), 'f').nodes.map(plain), nodes.map(plain))
    }),
    { numRuns: 1000 },
  )
})
