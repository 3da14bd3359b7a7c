import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { usernameCaseMapped, usernameCasePreserved } from '../../../core/kit/address/index.ts'

const accepted = (title: string, ...names: string[]) =>
  test(title, () => {
    for (const name of names) assert.equal(usernameCasePreserved(name), name.normalize('NFC'))
  })

const refused = (title: string, ...names: string[]) =>
  test(title, () => {
    for (const name of names) assert.throws(() => usernameCasePreserved(name), RangeError, JSON.stringify(name))
  })

accepted('printable ASCII may stand in a user name', 'juliet@example.com', '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~')
refused('blanks and control characters may not', ' ', 'a b', 'a\tb', 'a\x7f', 'ü b', 'ü\u0000')
accepted('letters, digits and marks of any script may', 'fußball', 'π', 'ジュリエット', '유리', 'नमस्ते', 'bü4')
refused('symbols, punctuation and other spaces may not', 'henry\u2163', '♚', 'a\u00A0b', '«a»', 'ü\u2028', '\u{1F600}')
refused(
  'compatibility characters, old jamo, ignorable and unassigned code points may not',
  'ﬁ',
  '\u1100',
  'ü\u00AD',
  'ü\u{E0FFF}',
  'ǅ',
  'ü\uFDD0',
)
accepted('the exceptions of RFC 5892 may', 'ß', 'ς', '\u06FD', '\u0F0B', '\u3007')
refused('or may not', 'ب\u0640ب', '\u3031\u3042', '\u07CA\u07FA')

test('a name is folded to canonical width and lower case, with every sigma alike', () => {
  assert.equal(usernameCaseMapped('ＪＵＬＩＥＴ＠example.com'), 'juliet@example.com')
  assert.equal(usernameCaseMapped('ΣΑΣ'), 'σασ')
  assert.equal(usernameCaseMapped('İ'), 'i\u0307')
  assert.equal(usernameCasePreserved('ｶﾞ'), 'ガ')
})

accepted('a middle dot may stand between two l', 'l·l')
refused('and nowhere else', 'a·a', 'l·', '·l')
accepted('a Greek numeral sign may stand before a Greek letter', 'α\u0375β')
refused('and before no other', '\u0375s', 'α\u0375')
accepted('geresh and gershayim may stand after a Hebrew letter', 'א\u05F3', 'א\u05F4')
refused('and after no other', '\u05F3', 'a\u05F4')
accepted('a katakana middle dot may stand where there is Japanese script', 'a・カ', '・字')
refused('and nowhere else', 'a・b')
accepted('digits of one Arabic kind may stand together', 'ا١٢', 'ا۱۲')
refused('those of both kinds may not', 'ا١۲')
accepted('joiners may stand after a virama', 'क्\u200Dष', 'क्\u200Cष')
accepted('a non-joiner may stand between letters that would join', 'بی\u200Cبی', 'ب\u064B\u200C\u064Bب')
refused('joiners may not stand elsewhere', 'a\u200Db', 'ü\u200Cb', 'ا\u200Cب', 'ب\u200Dب')

accepted('right-to-left names obey the Bidi rule', 'אב', 'אב1', 'ابن١', 'אב\u05B0')
refused('mixed directions do not', 'aא', '1א', 'אa', 'א1ا١', 'אב-')

test('a name of more than 1024 characters is refused', () => {
  assert.throws(() => usernameCaseMapped('a'.repeat(1025)), RangeError)
})

test('whatever is given, the profiles answer or throw RangeError, and accept their own answers', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      for (const profile of [usernameCaseMapped, usernameCasePreserved]) {
        let once: string
        try {
          once = profile(name)
        } catch (error) {
          assert.ok(error instanceof RangeError)
          continue
        }
        assert.equal(profile(once), once)
      }
    }),
    { numRuns: 500 },
  )
})
