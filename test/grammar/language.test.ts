import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeProblem, parseText } from '../../grammar/index.ts'
import { outline } from './support.ts'

interface Accepted {
  readonly text: string
  /** With `@` in it, the line of every directive is compared too. */
  readonly gives: string
}

interface Refused {
  readonly text: string
  /** `line:column` of every problem, and what the first must say. */
  readonly at: readonly string[]
  readonly says: RegExp
}

/** What a file may hold, numbered as in maddy's own cases; where the two differ the title says how. */
const cases: Readonly<Record<string, Accepted | Refused>> = {
  '1: a word is a directive': { text: 'a', gives: 'a[]' },
  '2: a block may be empty': { text: 'a { }', gives: 'a[]{}' },
  '3: {} in one is an empty block': { text: 'a {}', gives: 'a[]{}' },
  '3: {} in one cannot be followed by words': { text: 'a {} b', at: ['1:6'], says: /new line after the block/ },
  '3: {} in one needs a directive': { text: '{}', at: ['1:1'], says: /needs a directive before/ },
  '4: a brace glued to a name is refused': { text: 'a{\nb\n}', at: ['1:2'], says: /put a space before \{/ },
  '5: a brace glued to an argument is a word': {
    text: 'a b {c\nd\n}',
    at: ['3:1'],
    says: /unexpected \}.*\{ in line 1/,
  },
  '6: a block may stand in one line': { text: 'a { b }', gives: 'a[]{b[]}' },
  '7: words after a block are refused': {
    text: 'a { b c } d',
    at: ['1:11'],
    says: /new line after the block, not "d"/,
  },
  '8: several blocks may be closed in one line': { text: 'a { b { c } }', gives: 'a[]{b[]{c[]}}' },
  '9: a block in one line in a longer one': { text: 'a {\nb { c }\n}\nd', gives: 'a[]@1{b[]@2{c[]@2}}; d[]@4' },
  '10: blocks opened in one line': { text: 'a { b {\nc }\n}\nd', gives: 'a[]@1{b[]@1{c[]@2}}; d[]@4' },
  '11: a } too many at the end of a line is refused': { text: 'a { b } }', at: ['1:9'], says: /unexpected \}/ },
  '12: words after a closing line are refused': { text: 'a {\nb\n} c', at: ['3:3'], says: /new line/ },
  '13: words after an empty block are refused': { text: 'a { } b', at: ['1:7'], says: /new line/ },
  '14: { needs its directive on the same line': { text: 'a\n{\nb\n}', at: ['2:1'], says: /directive before its \{/ },
  '15: a continued line may open a block': { text: 'a \\\n{\nb\n}', gives: 'a[]@1{b[]@3}' },
  '16: a quoted { is a word': { text: 'a "{"\nb', gives: 'a[{]; b[]' },
  '17: a quoted } is a word': { text: 'a "}"', gives: 'a[}]' },
  '18: a } between words at the top level is a word': { text: 'a b } c', gives: 'a[b|}|c]' },
  '18: a } at the end of a line closes nothing': { text: 'a b }', at: ['1:5'], says: /unexpected \}/ },
  '19: a brace may follow a quote at once': { text: 'a "b"{\nc\n}', gives: 'a[b]{c[]}' },
  '20: a closing quote ends the word': { text: 'a "x"y', gives: 'a[x|y]' },
  '21: a quote inside a word means nothing': { text: 'a x"y z"w', gives: 'a[x"y|z"w]' },
  '22: a quote is the one thing to escape': { text: 'a "say \\"hi\\"" "\\\\"', gives: 'a[say "hi"|\\\\]' },
  '23: other backslashes stay': { text: 'a "C:\\new"', gives: 'a[C:\\new]' },
  '24: a quoted word may have several lines': { text: 'a "l1\nl2" b\nc', gives: 'a[l1\nl2|b]@1; c[]@3' },
  '25: an unclosed quote is refused where it begins': { text: 'a "open\nc', at: ['1:3'], says: /quote is not closed/ },
  '26: # inside a word begins a comment': { text: 'a b#c d', gives: 'a[b]' },
  '27: # begins a comment': { text: 'a b #c d', gives: 'a[b]' },
  '28: # after a quote begins a comment': { text: 'a "b"#c d', gives: 'a[b]' },
  '29: # in quotes is text': { text: 'a "#x"', gives: 'a[#x]' },
  '30: comments may follow a continuation': { text: 'a b \\\n# note\n\nc', gives: 'a[b|c]' },
  '31: a glued backslash continues nothing': { text: 'a b\\\nc', gives: 'a[b\\]@1; c[]@2' },
  '32: a lone backslash inside a line is a word': { text: 'a \\ b', gives: 'a[\\|b]' },
  '33: a continuation at the end is dropped': { text: 'a \\', gives: 'a[]' },
  '34: a continued line may close a block': { text: 'a { b \\\nc }\nd', gives: 'a[]@1{b[c]@1}; d[]@3' },
  '35: a name cannot start with a digit': { text: '1a x', at: ['1:1'], says: /cannot start with a digit/ },
  '35: nor with one of another script': { text: '٣a x', at: ['1:1'], says: /cannot start with a digit/ },
  '36: a digit may follow': { text: 'a٣ x', gives: 'a٣[x]' },
  '36: letters of any script make a name': { text: 'é x', gives: 'é[x]' },
  '36: a name may start with -': { text: '-a x', gives: '-a[x]' },
  '36: a name may start with .': { text: '.a x', gives: '.a[x]' },
  '37: a name has no :': { text: 'a:b c', at: ['1:2'], says: /cannot contain ":"/ },
  '37: a name has no /': { text: 'a/b c', at: ['1:2'], says: /cannot contain "\/"/ },
  '37: a name has no &': { text: '&a c', at: ['1:1'], says: /a directive is missing before "&a"/ },
  '38: a name has no space': { text: '"a b" c', at: ['1:1'], says: /cannot contain " "/ },
  '39: an empty word is an argument': { text: 'a ""', gives: 'a[""]' },
  '39: an empty name is refused': { text: '"" a', at: ['1:1'], says: /cannot be empty/ },
  '40: a macro in a block is refused': { text: 'a {\n$(m) = x }\nb', at: ['2:1'], says: /top level/ },
  '41: CRLF and a byte-order mark do no harm': { text: '\uFEFFa b\r\nc\r\n', gives: 'a[b]@1; c[]@2' },
  'an empty file has no directives': { text: '', gives: '' },
  'a file of comments has no directives': { text: '# x\n\n  # y', gives: '' },
  'CR outside quotes is dropped and separates nothing': { text: 'a\rb c', gives: 'ab[c]' },
  'CR inside quotes stays': { text: 'a "b\r\nc"', gives: 'a[b\r\nc]' },
  'white space is what Unicode says': { text: 'a\u00A0b\u3000c\u0085d\u2028e\u200Bf', gives: 'a[b|c|d|e\u200Bf]' },
  'a byte-order mark elsewhere is a character': { text: 'a b\uFEFFc \uFEFF', gives: 'a[b\uFEFFc|\uFEFF]' },
  'single quotes mean nothing': { text: "a 'b c'", gives: "a['b|c']" },
  'a comment may follow a continuation on its line': { text: 'a \\ # why\nb', gives: 'a[b]' },
  'a comment may follow braces': { text: 'a { # b\n c # d\n} # e', gives: 'a[]{c[]}' },
  'lines may be continued again and again': { text: 'a \\\n\\\nb \\\nc', gives: 'a[b|c]' },
  'a line cannot begin with a lone backslash': { text: 'a\n\\\nb', at: ['2:1'], says: /lone \\/ },
  'a placeholder is no brace': { text: 'a {env:X} (a|b){2}', gives: 'a[{env:X}|(a|b){2}]' },
  'an unclosed block is refused at its brace': { text: 'a {\nb {\nc\n}', at: ['1:3'], says: /block is not closed/ },
  'a } too many is refused': { text: 'a\n}\nb', at: ['2:1'], says: /unexpected \}/ },
  'a second block is refused': { text: 'a { } { b }', at: ['1:7'], says: /new line after the block/ },
  'a block on import is refused': { text: 'import x { }', at: ['1:1'], says: /import cannot have a block/ },
}

for (const [title, expected] of Object.entries(cases)) {
  test(title, () => {
    const { nodes, problems } = parseText(expected.text, 'f')
    if ('gives' in expected) {
      assert.deepEqual(problems, [])
      assert.equal(outline(nodes, expected.gives.includes('@')), expected.gives)
      return
    }
    assert.deepEqual(
      problems.map(({ at }) => `${at?.line}:${at?.column}`),
      expected.at,
    )
    assert.match(problems.map(describeProblem)[0] ?? '', expected.says)
  })
}
