/** The part of an answer of `/checkv2` that is acted upon. */
export interface Result {
  /** `no action`, `greylist`, `add header`, `rewrite subject`, `soft reject`, `reject`; empty when there is none. */
  readonly action: string
  readonly score: number
}

/** An answer that is no JSON, or not what rspamd says. */
export class ResultError extends Error {
  override readonly name = 'ResultError'
}

/** Reads an answer. Throws ResultError. */
export const parseResult = (text: string): Result => {
  const answer = parse(text)
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) throw new ResultError('no object came')
  const { action, score } = answer as { readonly action?: unknown; readonly score?: unknown }
  const result = { action: action ?? '', score: score ?? 0 }
  if (typeof result.action !== 'string') throw new ResultError('its action is no string')
  if (typeof result.score !== 'number') throw new ResultError('its score is no number')
  return { action: result.action, score: result.score }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ResultError('the answer is no JSON', { cause })
  }
}
