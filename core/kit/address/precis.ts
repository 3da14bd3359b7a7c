import { obeysBidiRule } from './bidi.ts'
import { isIdentifier } from './identifier.ts'

/**
 * The profiles of RFC 8265 §3 for user names. The empty string passes both: whoever asks for a name that is not there will
 * not find it. Strings that are not ASCII are mapped in the order of RFC 8264 §7: width, case, NFC.
 */

/** UsernameCaseMapped: lower case. Throws RangeError for blanks, control characters, symbols and the like. */
export const usernameCaseMapped = (name: string): string => enforce(name, (text) => fullLowerCase(text))

/** UsernameCasePreserved. Throws RangeError for blanks, control characters, symbols and the like. */
export const usernameCasePreserved = (name: string): string => enforce(name, (text) => text)

/** Far above any name in use; the rules that look at the whole string for each character need an end. */
const longest = 1024

const enforce = (name: string, mapCase: (text: string) => string): string => {
  if (name.length > longest) throw new RangeError('a user name is too long')
  if (/^[!-~]*$/.test(name)) return mapCase(name)
  const mapped = mapCase(foldWidth(name)).normalize('NFC')
  if (!isIdentifier(mapped)) throw new RangeError('a user name holds a character that may not stand in one')
  if (!obeysBidiRule(mapped)) throw new RangeError('a user name mixes writing directions (RFC 5893)')
  return mapped
}

/** Full-width and half-width forms become the characters they are forms of (RFC 8264 §5.2.1). */
const foldWidth = (text: string): string => text.replace(/[\uFF01-\uFFEE]/g, (character) => character.normalize('NFKC'))

/** Unicode's full mapping, but for the final sigma: what a letter becomes must not depend on what follows. */
const fullLowerCase = (text: string): string => text.replaceAll('Σ', 'σ').toLowerCase()
