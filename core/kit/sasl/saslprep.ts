/** White space beyond ASCII, which is mapped to a space (RFC 3454 table C.1.2). */
const spaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu
/** What is mapped to nothing (RFC 3454 table B.1). */
// biome-ignore lint/suspicious/noMisleadingCharacterClass: each stands for itself
const nothing = /[\u00ad\u034f\u1806\u180b-\u180d\u200c\u200d\u2060\ufe00-\ufe0f\ufeff]/gu

/**
 * A password as SCRAM hashes it (RFC 5802 §2.2): the mapping and the normalisation of SASLprep (RFC 4013 §2.1, §2.2). What
 * SASLprep forbids is left as it is, since a client that goes on with such a password does the same.
 */
export const saslprep = (password: string): string =>
  password.replaceAll(spaces, ' ').replaceAll(nothing, '').normalize('NFKC')
