import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { type CstNode, generateCstDts } from 'chevrotain'
import { parseText } from '../../grammar/index.ts'
import { Grammar, grammar } from '../../grammar/parser.ts'

test('the rules are sound: nothing ambiguous, nothing unreachable', () => {
  assert.doesNotThrow(() => new Grammar())
})

test('cst.d.ts is what Chevrotain makes of the rules', async () => {
  const written = await readFile(new URL('../../grammar/cst.d.ts', import.meta.url), 'utf8')
  assert.equal(written.trim(), generateCstDts(grammar.getGAstProductions()).trim())
})

const images = (node: CstNode): string[] =>
  Object.values(node.children).flatMap((elements) =>
    elements.flatMap((element) => ('children' in element ? images(element) : [element.image])),
  )

test('tree and comments together have everything that was written, but blanks and continuations', () => {
  const text = '# top\na "b c" { # open\n  d \\\n e\n} # close\nf {}\n# end'
  const { cst, comments } = parseText(text, 'f')
  const written = images(cst).filter((image) => image !== '\n')
  assert.deepEqual(written.toSorted(), ['a', '"b c"', '{', 'd', 'e', '}', 'f', '{}'].toSorted())
  assert.deepEqual(
    comments.map(({ image }) => image),
    ['# top', '# open', '# close', '# end'],
  )
})

test('comments and tokens of the tree have offsets into the text', () => {
  const text = 'a b # c'
  const { comments } = parseText(text, 'f')
  assert.equal(comments[0]?.startOffset, 4)
})

test('one text leaves nothing behind for the next', () => {
  assert.notEqual(parseText('a {\n} } "', 'f').problems.length, 0)
  assert.deepEqual(parseText('a', 'f').problems, [])
})
