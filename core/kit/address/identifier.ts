import { joinsLast, joinsNext, virama } from './joining.ts'

/**
 * Whether every code point of a string is of the PRECIS IdentifierClass (RFC 8264 §4.2): letters and digits of any script,
 * and printable ASCII. Asked of the Unicode version that the runtime has.
 */
export const isIdentifier = (text: string): boolean => {
  const characters = [...text]
  return characters.every((character, at) => allowed(character, at, characters))
}

/** The order of RFC 8264 §8; BackwardCompatible is empty. */
const allowed = (character: string, at: number, all: readonly string[]): boolean => {
  if (exceptions.test(character)) return true
  const rule = context[character] ?? (arabicIndicDigit.test(character) ? sameDigits : undefined)
  if (rule) return rule(at, all)
  if (/[!-~]/.test(character)) return true
  if (forbidden.test(character) || oldHangul.test(character) || ignorable.test(character)) return false
  return (
    character.normalize('NFKC') === character &&
    /[\p{L}\p{Nd}\p{Mn}\p{Mc}]/u.test(character) &&
    !titlecase.test(character)
  )
}

/** RFC 5892 §2.6: allowed against their category, and forbidden against it. */
const exceptions = /[ßς۽۾\u0F0B\u3007]/
const forbidden = /[\u0640\u07FA\u302E\u302F\u3031-\u3035\u303B]/
const titlecase = /\p{Lt}/u
const ignorable = /[\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/u
/** Hangul_Syllable_Type L, V and T. */
const oldHangul = /[\u1100-\u11FF\uA960-\uA97C\uD7B0-\uD7C6\uD7CB-\uD7FB]/
const arabicIndicDigit = /[\u0660-\u0669\u06F0-\u06F9]/

type Rule = (at: number, all: readonly string[]) => boolean

const before = (at: number, all: readonly string[]): string => all[at - 1] ?? ''
const after = (at: number, all: readonly string[]): string => all[at + 1] ?? ''
const transparent = /[\p{Mn}\p{Me}\p{Cf}]/u

/** RFC 5892 appendix A. */
const zeroWidthNonJoiner: Rule = (at, all) => {
  if (virama.test(before(at, all))) return true
  const left = all.slice(0, at).findLast((character) => !transparent.test(character)) ?? ''
  const right = all.slice(at + 1).find((character) => !transparent.test(character)) ?? ''
  return joinsNext.test(left) && joinsLast.test(right)
}

/** Arabic-Indic digits and their extended forms are not mixed: they look alike. */
const sameDigits: Rule = (at, all) => {
  const others = /[\u0660-\u0669]/.test(all[at] ?? '') ? /[\u06F0-\u06F9]/ : /[\u0660-\u0669]/
  return !all.some((character) => others.test(character))
}

const afterHebrew: Rule = (at, all) => /\p{Script=Hebrew}/u.test(before(at, all))

const context: Readonly<Record<string, Rule>> = {
  '\u200C': zeroWidthNonJoiner,
  '\u200D': (at, all) => virama.test(before(at, all)),
  '\u00B7': (at, all) => before(at, all) === 'l' && after(at, all) === 'l',
  '\u0375': (at, all) => /\p{Script=Greek}/u.test(after(at, all)),
  '\u05F3': afterHebrew,
  '\u05F4': afterHebrew,
  '\u30FB': (_at, all) =>
    all.some((character) => /[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}]/u.test(character)),
}
