/** By their endings in Go's names; null for those that the OpenSSL of Node is built without. */
const tails: Readonly<Record<string, string | null>> = {
  'RC4128-SHA': null,
  '3DES-EDE-CBC-SHA': null,
  'AES128-CBC-SHA': 'AES128-SHA',
  'AES256-CBC-SHA': 'AES256-SHA',
  'AES128-CBC-SHA256': 'AES128-SHA256',
  'AES128-GCM-SHA256': 'AES128-GCM-SHA256',
  'AES256-GCM-SHA384': 'AES256-GCM-SHA384',
  'CHACHA20-POLY1305': 'CHACHA20-POLY1305',
}

const exchanges: Readonly<Record<string, { readonly openssl: string; readonly lacks: string }>> = {
  'RSA-WITH-': { openssl: '', lacks: 'CHACHA20-POLY1305' },
  'ECDHE-RSA-WITH-': { openssl: 'ECDHE-RSA-', lacks: '' },
  'ECDHE-ECDSA-WITH-': { openssl: 'ECDHE-ECDSA-', lacks: '3DES-EDE-CBC-SHA' },
}

/** The 22 names that maddy knows, which are those of Go, and OpenSSL's for the same; null where Node lacks the cipher. */
const ciphers: ReadonlyMap<string, string | null> = new Map(
  Object.entries(exchanges).flatMap(([prefix, { openssl, lacks }]) =>
    Object.entries(tails)
      .filter(([tail]) => tail !== lacks)
      .map(([tail, name]) => [prefix + tail, name === null ? null : openssl + name]),
  ),
)

export const cipherNames = [...ciphers.keys()]

/** OpenSSL's name for a cipher of TLS 1.2 or before; null for one that Node cannot speak. Throws RangeError. */
export const parseCipher = (word: string): string | null => {
  const cipher = ciphers.get(word)
  if (cipher === undefined) throw new RangeError(`unknown cipher: ${word}`)
  return cipher
}
