const system = ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft', '\\Recent']
const canonical = new Map(system.map((flag) => [flag.toLowerCase(), flag]))

/** The system flags a client may set, as SELECT lists them. */
export const systemFlags: readonly string[] = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft']

/** System flags in their usual spelling, whatever the case; keywords as they are. */
export const canonicalFlag = (flag: string): string => canonical.get(flag.toLowerCase()) ?? flag

/** Whether the flags include this one, case ignored. */
export const hasFlag = (flags: readonly string[], flag: string): boolean => {
  if (flags.includes(flag)) return true
  const sought = flag.toLowerCase()
  return flags.some((each) => each.length === sought.length && each.toLowerCase() === sought)
}
