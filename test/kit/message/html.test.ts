import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { htmlToText } from '../../../core/kit/message/html.ts'

test('inline tags part no words, and all others do', () => {
  assert.equal(htmlToText('<p>so<b>me</b>thing</p><div>else</div>and<br>more<td>x</td>'), 'something else and more x')
})

test('what nobody reads is left out: comments, styles, scripts, attributes', () => {
  const html =
    '<!DOCTYPE html><head><title>no</title><STYLE>p > a {}</STYLE></head><!-- no > <b> --><a title="no > no">yes</a>' +
    "<script>if (a < b) document.write('</no>')</script>!"
  assert.equal(htmlToText(html), 'yes !')
})

test('character references are decoded, and those that are none stay', () => {
  assert.equal(htmlToText('Gr&uuml;&#223;e &amp;amp; &#x20AC; a&nbsp;b &copy 1'), 'Grüße &amp; € a b © 1')
  assert.equal(htmlToText('R&D &nosuch; &#0; &#99999999; &'), 'R&D &nosuch; &#0; &#99999999; &')
})

test('what is no HTML comes out as it is', () => {
  assert.equal(htmlToText('1 < 2 and\r\n 3 <= 4'), '1 < 2 and 3 <= 4')
})

test('a quote without its end does not swallow the rest', () => {
  assert.equal(htmlToText("<a href=\"x>one</a> <b title='y'>two</b>"), 'one two')
})

test('whatever is written takes time in proportion to its length', () => {
  for (const piece of ['<a "', '<', '<!--', '<script>', '</', '&', '&a', "<b '>", '<x y="', '<style></styl', '\n']) {
    const started = performance.now()
    htmlToText(piece.repeat(200_000 / piece.length))
    assert.ok(performance.now() - started < 500, piece)
  }
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('<', '>', '/', '!--', '-->', '"', "'", '&', ';', 'a', 'script', ' ')),
      (pieces) => {
        assert.equal(typeof htmlToText(pieces.join('')), 'string')
      },
    ),
  )
})
