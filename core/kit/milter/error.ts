/**
 * A filter that cannot be used: not reached, silent for too long, gone, or talking nonsense. The message is for the log.
 * What its protocol lets it say, a refusal for instance, is an answer and no error.
 */
export class MilterError extends Error {
  override readonly name = 'MilterError'
}
