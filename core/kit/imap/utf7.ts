/** Mailbox names in modified UTF-7 (RFC 3501 §5.1.3): UTF-16 in a base64 with `,` for `/`, between `&` and `-`. */
export const toModifiedUtf7 = (name: string): string =>
  name.replace(/&|[^\x20-\x7e]+/g, (run) => (run === '&' ? '&-' : `&${base64(run)}-`))

const base64 = (run: string): string => {
  const units = Buffer.from(run, 'utf16le').swap16()
  return units.toString('base64').replace(/=+$/, '').replaceAll('/', ',')
}

/** The name that modified UTF-7 stands for. Throws RangeError when it is written in any way but the one right one. */
export const fromModifiedUtf7 = (written: string): string => {
  if (!written.includes('&') && /^[\x20-\x7e]*$/.test(written)) return written
  const name = written.replace(/&([^-]*)(-?)/g, (_, run: string, end: string) => {
    if (end === '') throw new RangeError('& without its -')
    if (run === '') return '&'
    const bytes = Buffer.from(run.replaceAll(',', '/'), 'base64')
    if (bytes.length % 2 === 1) throw new RangeError('half a character')
    return bytes.swap16().toString('utf16le')
  })
  // Only what comes back as it was is right: no second spelling of a name, no lone surrogates, no encoded ASCII.
  if (!name.isWellFormed() || toModifiedUtf7(name) !== written) throw new RangeError('not modified UTF-7')
  return name
}
