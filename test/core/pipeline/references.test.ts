import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from '../../support/server.ts'

/** What is wrong with an endpoint that has these lines, and with the blocks after it. */
const wrong = async (lines: string, blocks = ''): Promise<string> => {
  let message = ''
  const conf = `smtp tcp://127.0.0.1:0 {\nhostname mx.example.org\ntls off\n${lines}\n}\n${blocks}`
  await assert.rejects(serve(conf), (error: Error) => {
    message = error.message.replace(/^\S*\/test\.conf/gm, 'test.conf')
    return error.name === 'ConfigError'
  })
  return message
}

const deliver = 'deliver_to dummy'

for (const [what, lines, reason] of [
  ['source_in without a table', 'source_in {\nreject\n}', /^test\.conf:4:1: source_in needs &NAME or a module/],
  ['destination_in without a table', 'destination_in {\nreject\n}', /^test\.conf:4:1: destination_in needs &NAME/],
  [
    'source_in of a table that nobody has',
    'source_in statc {\nreject\n}',
    /^test\.conf:4:11: .*did you mean static\?$/m,
  ],
  [
    'source_in of a check',
    'source_in spf {\nreject\n}',
    /^test\.conf:4:11: no module is called table\.spf or spf; check\.spf cannot be used here/,
  ],
  [
    'source_in of a block that is not there',
    'source_in &undefined {\nreject\n}',
    /^test\.conf:4:11: no block is named/,
  ],
  ['deliver_to without a target', 'deliver_to', /^test\.conf:4:1: deliver_to needs &NAME or a module/],
  [
    'deliver_to of a target that nobody has',
    'deliver_to nowhere',
    /^test\.conf:4:12: no module is called target\.nowhere/,
  ],
  [
    'deliver_to of a table',
    'deliver_to static',
    /^test\.conf:4:12: no module is called target\.static or static; table\.static cannot be used here/,
  ],
  ['deliver_to of a block that is not there', 'deliver_to &nobody', /^test\.conf:4:12: no block is named nobody/],
  ['check of a group that is not there', 'check &nothing', /^test\.conf:4:7: no block is named nothing/],
  ['modify of a group that is not there', 'modify &nothing', /^test\.conf:4:8: no block is named nothing/],
  ['check without braces', 'check spf', /^test\.conf:4:7: check takes &NAME or a block: check \{ spf … \}/],
  [
    'modify without braces',
    'modify dkim a.example s',
    /^test\.conf:4:8: modify takes &NAME or a block: modify \{ dkim/,
  ],
  [
    'a check that is misspelt',
    'check {\nspff\n}',
    /^test\.conf:5:1: no module is called check\.spff or spff; .* spf\?/,
  ],
  ['a check that is cut short', 'check {\nrequire_mx\n}', /^test\.conf:5:1: .*; did you mean require_mx_record\?/],
  ['a reference among checks', 'check {\n&group\n}', /^test\.conf:5:1: a line cannot start with a reference/],
  [
    'a modifier as a check',
    'check {\nreplace_rcpt static\n}',
    /^test\.conf:5:1: .*; modify\.replace_rcpt cannot be used/,
  ],
  ['a check as a modifier', 'modify {\ndkim\nspf\n}', /^test\.conf:6:1: .*; check\.spf cannot be used here/m],
  ['a table as a check', 'check {\nstatic\n}', /^test\.conf:5:1: .*; table\.static cannot be used here/],
  [
    'a check that maddy has given up',
    'check {\nrequire_matching_ehlo\n}',
    /^test\.conf:5:1: .* did you mean require_matching_rdns/,
  ],
  ['a program that is not named', 'check {\ncommand\n}', /^test\.conf:5:1: command needs PROGRAM \[ARGUMENT…\]/],
  ['a filter without its address', 'check {\nmilter\n}', /^test\.conf:5:1: milter needs an endpoint such as tcp:/],
] as const) {
  test(`${what} is an error, with its place and what would be right`, async () => {
    assert.match(await wrong(`${lines}\n${lines.startsWith('deliver') ? '' : deliver}`), reason)
  })
}

for (const [what, line, column] of [
  ['a target', 'deliver_to &x { }', 1],
  ['a group', 'check &x {\n}', 1],
  ['a group that a word follows', 'modify &x y', 11],
] as const) {
  test(`a reference to ${what} stands alone, without even an empty block`, async () => {
    assert.match(
      await wrong(`${line}\n${deliver}`),
      new RegExp(`^test\\.conf:4:${column}: &x (has its own block|stands alone)`),
    )
  })
}

test('a block of another kind is refused with what it is, and what is needed', async () => {
  const message = await wrong(
    `check &m\nmodify &c\ncheck &s\ndeliver_to &t\nsource_in &c {\n${deliver}\n}`,
    'checks c {\nrequire_tls\n}\nmodifiers m {\nreplace_rcpt static\n}\ncheck.spf s { }\ntable.static t { }',
  )
  assert.deepEqual(message.split('\n'), [
    'test.conf:4:7: &m cannot be used here: a group of checks is needed, and modifiers is: modifier, dkim keys',
    'test.conf:5:8: &c cannot be used here: a modifier is needed, and checks is: group of checks',
    'test.conf:6:7: &s cannot be used here: a group of checks is needed, and check.spf is: check',
    'test.conf:7:12: &t cannot be used here: a target is needed, and table.static is: table, multi table',
    'test.conf:8:11: &c cannot be used here: a table is needed, and checks is: group of checks',
  ])
})
