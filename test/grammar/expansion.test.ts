import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPosition, readConfigText } from '../../grammar/index.ts'
import { memory, outline, refusal } from './support.ts'

const options = {
  env: { E1: 'one', E2: 'two words', MACRO: '$(m)', ENV: '{env:E1}' },
  readFile: memory({
    '/etc/defs': '(s2) { body }\n$(im) = from defs',
    '/etc/uses_s': 'import s',
    '/etc/plain': 'contents',
    '/etc/self': 'import self',
    '/etc/ping': 'import pong',
    '/etc/pong': 'import ping',
    '/etc/sub/near.conf': 'near',
    '/etc/sub/all': 'import near',
    '/etc/over': 'import defs',
    '/etc/broken': 'a {\n$(m) = 1',
  }),
}

interface Accepted {
  readonly text: string
  readonly gives: string
  /** `line:column` of every warning. */
  readonly warns?: readonly string[]
}

interface Refused {
  readonly text: string
  /** `file:line:column` of every problem, and what the first must say. */
  readonly at: readonly string[]
  readonly says: RegExp
}

const root = '/etc/maddy.conf'

/** Macros, snippets, imports and the environment, numbered as in maddy's own cases. */
const cases: Readonly<Record<string, Accepted | Refused>> = {
  '1: a macro stands for all its values': { text: '$(m) = x y\na p $(m) q', gives: 'a[p|x|y|q]' },
  '2: also in quotes': { text: '$(m) = x y\na "$(m)"', gives: 'a[x|y]' },
  '3: several values do not fit in a longer text': {
    text: '$(m) = x y\na "p $(m)"',
    at: [`${root}:2:3`],
    says: /has 2 values/,
  },
  '4: one value may stand in a longer text': { text: '$(m) = x\na p$(m)q$(m)', gives: 'a[pxqx]' },
  '5: an undefined macro is no argument, with a warning': { text: 'a $(undef) x', gives: 'a[x]', warns: ['1:3'] },
  '6: and nothing in a longer text': { text: 'a p$(undef)q', gives: 'a[pq]', warns: ['1:3'] },
  '7: a macro is unknown before its declaration': { text: 'a $(m)\n$(m) = x', gives: 'a[]', warns: ['1:3'] },
  '8: a macro can be appended to': { text: '$(m) = x\n$(m) = $(m) y\na $(m)', gives: 'a[x|y]' },
  '9: an empty value is a value': { text: '$(m) = ""\na $(m) q$(m)q', gives: 'a[""|qq]' },
  '10: two references are two references': { text: '$(m) = a\n$(n) = b\nd $(m)-$(n) $(m)$(n)', gives: 'd[a-b|ab]' },
  '10: also as a sentence': { text: '$(m) = a\n$(n) = b\nd "$(m) and ($(n))"', gives: 'd[a and (b)]' },
  '11: references may touch': { text: '$(m) = a\n$(n) = b\nd x$(m)$(n)y', gives: 'd[xaby]' },
  '12: other parentheses stay': { text: '$(m) = p\nd (z)/$(m) x$(m)/(z)', gives: 'd[(z)/p|xp/(z)]' },
  '13: a reference ends at the nearest parenthesis': { text: '$(m) = p\nd ($(m))', gives: 'd[(p)]' },
  '14: a lone $ is a character': { text: '$(m) = p\nd $$(m) $(m)$', gives: 'd[$p|p$]' },
  '15: = glued to the name': { text: '$(m)= x', at: [`${root}:1:1`], says: /declared as \$\(name\) = value/ },
  '15: = glued to the value': { text: '$(m) =x', at: [`${root}:1:1`], says: /too few arguments.*space after the =/ },
  '15: no value': { text: '$(m) =', at: [`${root}:1:1`], says: /too few arguments/ },
  '15: no =': { text: '$(m) x y', at: [`${root}:1:6`], says: /missing equals sign/ },
  '16: a macro is no directive': { text: '$(m) = x\n$(m) 1', at: [`${root}:2:1`], says: /too few arguments/ },
  '17: a macro has no block': { text: '$(m) = x { b }', at: [`${root}:1:1`], says: /cannot have a block/ },
  '18: a macro without values is no argument': {
    text: '$(u) = $(undef)\na $(u) b',
    gives: 'a[b]',
    warns: ['1:8'],
  },
  '19: and nothing in a longer text': { text: '$(u) = $(undef)\na p$(u)', gives: 'a[p]', warns: ['1:8'] },
  '20: a variable that is not set is an empty argument': { text: 'a {env:NO}', gives: 'a[""]', warns: ['1:3'] },
  '21: variables may stand in a longer text': { text: 'a x{env:E1}y{env:NO}z', gives: 'a[xoneyz]', warns: ['1:3'] },
  '22: a variable is one argument': { text: 'a {env:E2}', gives: 'a[two words]' },
  '23: a variable ends at the nearest brace': { text: 'a {env:N}text}more', gives: 'a[text}more]', warns: ['1:3'] },
  '24: what is no variable stays': {
    text: 'a {env:} {env:X {env_split:E1:,}',
    gives: 'a[{env:}|{env:X|{env_split:E1:,}]',
  },
  '24: nor is a name with a $': { text: 'a {env:$X}', gives: 'a[{env:$X}]' },
  '25: a macro may have a variable in it': { text: '$(m) = {env:E1}\nd $(m) x$(m)y', gives: 'd[one|xoney]' },
  '26: a snippet stands where it is imported': { text: '(s) { b }\na {\nimport s\n}', gives: 'a[]@2{b[]@1}' },
  '27: a snippet may be declared later': { text: 'import s\n(s) { b }', gives: 'b[]@2' },
  '28: a snippet has the macros of its declaration': {
    text: '$(m) = 1\n(s) { d $(m) }\n$(m) = 2\nimport s',
    gives: 'd[1]',
  },
  '29: a snippet cannot import itself': {
    text: '(s) { import s }\nimport s',
    at: [`${root}:1:7`],
    says: /recursion.*"s" leads back to itself.*limit is 255/,
  },
  '30: unless nobody uses it': { text: '(s) { import s }', gives: '' },
  '31: a snippet has no arguments': { text: '(s) x { }', at: [`${root}:1:5`], says: /cannot have arguments/ },
  '31: a snippet is declared at the top level': { text: 'a {\n(s) { }\n}', at: [`${root}:2:1`], says: /top level/ },
  '32: an imported file brings its snippets': { text: 'import defs\nimport s2', gives: 'body[]' },
  '33: but not before it is imported': {
    text: 'import s2\nimport defs',
    at: [`${root}:1:8`],
    says: /unknown import "s2"/,
  },
  '34: an imported file does not see the snippets of who imports it': {
    text: '(s) { b }\nimport uses_s',
    at: ['/etc/uses_s:1:8'],
    says: /unknown import "s"/,
  },
  '35: a macro may name the import': { text: '$(f) = plain\nimport $(f)', gives: 'contents[]' },
  '36: a variable may not': { text: 'import {env:E1}', at: [`${root}:1:8`], says: /unknown import.*variables/ },
  '37: * stands for itself': { text: 'import *.conf', at: [`${root}:1:8`], says: /unknown import.*\*/ },
  'an imported file brings its macros to what follows': { text: 'import defs\na $(im)', gives: 'a[from|defs]' },
  'also when it has them from another file': { text: 'import over\nimport s2\na $(im)', gives: 'body[]; a[from|defs]' },
  'but not to what stands before': { text: 'a $(im)\nimport defs', gives: 'a[]', warns: ['1:3'] },
  'an imported file does not see the macros of who imports it': {
    text: '$(s) = plain\nimport uses_s',
    at: ['/etc/uses_s:1:8'],
    says: /unknown import "s"/,
  },
  'a file cannot import itself': { text: 'import self', at: ['/etc/self:1:1'], says: /"self" leads back to itself/ },
  'nor by way of another': { text: 'import ping', at: ['/etc/pong:1:1'], says: /"ping" > "pong" > "ping"/ },
  'a snippet is preferred to a file': { text: '(plain) { mine }\nimport plain', gives: 'mine[]' },
  'of two snippets the last counts': { text: '(s) { a }\nimport s\n(s) { b }', gives: 'b[]' },
  'a snippet may be imported again and again': { text: '(s) { a }\nimport s\nimport s', gives: 'a[]; a[]' },
  'snippets may import later ones': { text: '(s) { import t }\n(t) { x }\nimport s', gives: 'x[]' },
  'a snippet without a block is nothing': { text: '(s)\nimport s', gives: '' },
  'a snippet name may be empty': { text: '() { y }\nimport ""', gives: 'y[]' },
  'half a parenthesis declares no snippet': { text: '(s { }', at: [`${root}:1:1`], says: /cannot contain "\("/ },
  'a quoted snippet name may have spaces': { text: '"(c d)" { z }\nimport "c d"', gives: 'z[]' },
  'a quoted macro name may have spaces': { text: '"$(c d)" = z\na "$(c d)"', gives: 'a[z]' },
  '.conf is added to a name that is no file': { text: 'import sub/near', gives: 'near[]' },
  'paths are relative to the importing file': { text: 'import sub/all', gives: 'near[]' },
  'paths may be absolute': { text: 'import /etc/plain', gives: 'contents[]' },
  'a directory cannot be imported': { text: 'import sub', at: [`${root}:1:8`], says: /it is a directory/ },
  'nor can nothing': { text: 'import ""', at: [`${root}:1:8`], says: /unknown import/ },
  'import needs an argument': { text: 'a\nimport\nb', at: [`${root}:2:1`], says: /exactly one argument/ },
  'import needs no more than one': { text: 'import a b\nc', at: [`${root}:1:1`], says: /exactly one argument/ },
  'a broken import is told where it is broken, and leads to nothing more': {
    text: 'import broken\nimport what_it_might_have_declared',
    at: ['/etc/broken:1:3'],
    says: /block is not closed.*imported at \/etc\/maddy.conf:1:1/,
  },
  '<env:NAME> is {env:NAME}': { text: 'a <env:E1>{env:E1} <env:NO>', gives: 'a[oneone|""]', warns: ['1:20'] },
  'a value is not looked into': { text: '$(m) = x\na {env:MACRO} {env:ENV}', gives: 'a[$(m)|{env:E1}]' },
  'variables are replaced in blocks too': { text: 'a {\nb {env:E1} {\n}\n}', gives: 'a[]{b[one]{}}' },
  'no variable comes from the prototype of an object': { text: 'a {env:toString}', gives: 'a[""]', warns: ['1:3'] },
  'a macro in a name is refused': { text: '$(m) = x\nb$(m) c', at: [`${root}:2:2`], says: /cannot contain "\$"/ },
}

for (const [title, expected] of Object.entries(cases)) {
  test(title, async () => {
    if ('gives' in expected) {
      const { nodes, warnings } = await readConfigText(expected.text, root, options)
      assert.equal(outline(nodes, expected.gives.includes('@')), expected.gives)
      const places = warnings.map(({ at }) => `${at?.line}:${at?.column}`)
      assert.deepEqual(places, expected.warns ?? [])
      return
    }
    const problems = await refusal(expected.text, options)
    assert.deepEqual(
      problems.map(({ at }) => at && formatPosition(at)),
      expected.at,
    )
    assert.match(await message(expected.text), expected.says)
  })
}

const message = (text: string): Promise<string> =>
  readConfigText(text, root, options).then(
    () => '',
    (error: Error) => error.message,
  )
