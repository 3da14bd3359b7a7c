const system = new Map(
  ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'].map((flag) => [flag.toLowerCase(), flag]),
)

/** What an IMAP atom cannot have (RFC 9051 §9), and `{`, at which maddy takes lists of flags apart. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const unfit = /[\u0000-\u0020\u007f-\uffff(){}%*"\\\]]/

/**
 * Flags as they are stored: system flags in their canonical case, each flag once whatever its case, no \Recent, which
 * nobody can set. Throws RangeError for what is no flag.
 */
export const cleanFlags = (flags: readonly string[]): string[] => {
  const clean = new Map<string, string>()
  for (const flag of flags) {
    const key = flag.toLowerCase()
    if (key === '\\recent' || clean.has(key)) continue
    const known = system.get(key)
    if (!known && (flag === '' || flag.length > 255 || unfit.test(flag))) {
      throw new RangeError(`${JSON.stringify(flag)} is no flag`)
    }
    clean.set(key, known ?? flag)
  }
  return [...clean.values()]
}

/** True for what `cleanFlags` takes. */
export const isFlag = (flag: string): boolean => {
  try {
    cleanFlags([flag])
    return true
  } catch {
    return false
  }
}
