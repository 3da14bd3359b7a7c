import { decodeHeaderValue } from '../../../core/kit/message/words.ts'

/**
 * Text for comparing, as i;unicode-casemap has it (RFC 5051), but that upper case stands for title case: letters of either
 * case, and characters that are the same but for their form, are alike.
 */
export const fold = (text: string): string => {
  const upper = text.toUpperCase()
  return isAscii(upper) ? upper : upper.normalize('NFKD')
}

const isAscii = (text: string): boolean => {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) return false
  return true
}

/** A value from a header for comparing: encoded words are decoded. */
export const foldHeader = (value: string): string => fold(value.includes('=?') ? decodeHeaderValue(value) : value)
