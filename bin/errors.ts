/** The command line cannot be understood, or the configuration it names cannot be used: exit status 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What was asked for could not be done, and the reason is for the one who asked: exit status 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}
