/**
 * The Bidi rule (RFC 5893 §2) for strings that are of the IdentifierClass already, which leaves letters, digits, marks and
 * printable ASCII. A string without right-to-left characters passes.
 */
export const obeysBidiRule = (text: string): boolean => {
  if (!rightToLeft.test(text) && !arabicNumber.test(text)) return true
  const [first = ''] = text
  if (!rightToLeft.test(first)) return false // rules 1, 5: it would run from left to right, where none of these may be
  if (leftToRight.test(text)) return false // rule 2
  const last = [...text].findLast((character) => !mark.test(character)) ?? ''
  if (![rightToLeft, arabicNumber, europeanNumber].some((kind) => kind.test(last))) return false // rule 3
  return !(europeanNumber.test(text) && arabicNumber.test(text)) // rule 4
}

/** Bidi classes EN, AN, NSM; R and AL, which the rule never tells apart; L. */
const europeanNumber = /[0-9۰-۹]/
const arabicNumber = /[\u0660-\u0669\u{10D30}-\u{10D39}]/u
const mark = /[\p{Mn}\p{Me}]/u
const rightToLeft =
  /[[[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]&&[\p{L}\p{Nd}\u05F3\u05F4]]--[\u0660-\u0669\u06F0-\u06F9\u{10D30}-\u{10D39}]]/v
const leftToRight =
  /[[\p{L}\p{Mc}\p{Nd}]--[0-9۰-۹\u02B9\u02BA\u02C6-\u02CF\u02EC\u0374\u0590-\u08FF\u2E2F\uA67F\uA717-\uA71F\uA788\uFB1D-\uFDFF\uFE70-\uFEFF\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]]/v
