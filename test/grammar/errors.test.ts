import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, describeProblem, parseText, readConfigText } from '../../grammar/index.ts'
import { outline, problemsOf, refusal, warningsOf } from './support.ts'

const places = (text: string): string[] => problemsOf(text).map((problem) => problem.split(':', 2).join(':'))

test('every mistake of a file is told at once, in the order of the text', () => {
  const text = ['1st x', '{', '}', 'ok { } more', 'a/b', 'outer {', '  $(m) = x', '}', '}', 'last "word'].join('\n')
  assert.deepEqual(places(text), ['1:1', '2:1', '4:8', '5:2', '9:1', '10:6'])
})

test('what is right around mistakes is still read', () => {
  const { nodes } = parseText('a {\nb/c 1\nd { } e\nf{\n}\n}\ng', 'f')
  assert.equal(outline(nodes), 'a[]{b/c[1]; d[]{}; e[]; f[]{}}; g[]')
})

test('mistakes of expansion are told together with those of imported files', async () => {
  const readFile = async () => 'x/y\nz:w'
  const text = 'import other\n$(m) = 1 2\na "$(m) x"\nimport\n$(n) 1'
  const problems = await refusal(text, { env: {}, readFile })
  assert.deepEqual(
    problems.map(describeProblem).map((line) => line.slice(0, line.indexOf(': '))),
    ['/etc/maddy.conf:5:1', '/etc/other:1:2', '/etc/other:2:2', '/etc/maddy.conf:3:3', '/etc/maddy.conf:4:1'],
  )
})

test('no message speaks of tokens or rules', () => {
  const text = 'a { } b\n{\n}\n}\na{\n"x\n$(m)\n(s) 1\nimport a { }\nc {\n'
  for (const problem of problemsOf(text))
    assert.doesNotMatch(problem, /[Tt]oken|Expecting|Bare|Quoted|Newline|Redundant/)
})

test('an unclosed block is guessed by the indentation of what closes another', () => {
  const [problem = ''] = problemsOf('smtp {\n  check {\n    dkim\n}\nimap {\n}\n')
  assert.match(problem, /^1:6: this block is not closed.*perhaps that of line 2.*line 4 stands further left/)
})

test('a } glued to a word is named where a } is missing', () => {
  assert.match(problemsOf('a {\n  b c}\n')[0] ?? '', /^1:3: .*the \} in line 2 is part of a word/)
})

test('a } between words that closes nothing in a block ends the block', () => {
  assert.deepEqual(places('a {\nb } c\n}'), ['2:5', '3:1'])
})

test('# glued to a word is warned of, at the #', () => {
  assert.match(warningsOf('x\na b#c d')[0] ?? '', /^2:4: this # ends the word/)
})

test('# where a comment may begin is not warned of', () => {
  assert.deepEqual(warningsOf('#a\na #b\n"c"#d\n\n#e'), [])
})

test('a name with control characters is shown escaped and cut', () => {
  const [problem = ''] = problemsOf(`${'\u001B'.repeat(200)} x`)
  assert.match(problem, /\\u001b/)
  assert.ok(problem.length < 600)
})

test('a file of nothing but mistakes is answered with a thousand of them', () => {
  const { problems } = parseText('1\n'.repeat(5000), 'f')
  assert.equal(problems.length, 1001)
  assert.deepEqual(problems.at(-1), { at: undefined, reason: 'there is more; the rest is left out' })
})

test('the message of a ConfigError has a line for each problem', async () => {
  await assert.rejects(readConfigText('1a\n2b', 'x.conf', { env: {} }), (error) => {
    assert.ok(error instanceof ConfigError)
    assert.match(error.message, /^x\.conf:1:1: .*\nx\.conf:2:1: .*$/)
    return true
  })
})
