/** Milliseconds; what is longer, Node takes for one. */
export const longestTimer = 2 ** 31 - 1

/** Aborts after so many milliseconds, of any number: Node's own wants a whole one that its timers can hold. */
export const timeLimit = (milliseconds: number): AbortSignal =>
  AbortSignal.timeout(Math.min(Math.ceil(milliseconds), longestTimer))

/** Settles as `work` does, or rejects as soon as the signal aborts; the work itself goes on unheeded. */
export const orAbort = async <T>(work: Promise<T>, signal?: AbortSignal): Promise<T> => {
  if (!signal) return work
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
    work.catch(() => {}) // a failure after the abort is nobody's
  }
}
