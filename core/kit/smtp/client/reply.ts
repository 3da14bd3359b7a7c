import { SmtpError } from '../error.ts'
import { type ErrorFields, SmtpClientError } from './error.ts'

/** A reply (RFC 5321 §4.2), its lines without code and enhanced code. */
export interface Reply {
  /** 200 to 599. */
  readonly code: number
  /** As the server gave it (RFC 2034); undefined without one, or with one of another class than the code's. */
  readonly enhanced: string | undefined
  readonly lines: readonly string[]
}

/** Of one reply, together; UTF-16 code units and lines. EHLO, the longest there is, needs a tenth of it. */
const maxText = 32_768
const maxLines = 256
/** What a client is told of the words of another server; UTF-16 code units. */
const maxWords = 2_000

/** Puts the lines of one reply after the other together. Throws SmtpClientError for what is none. */
export class Replies {
  readonly #fields: ErrorFields
  #code = ''
  #lines: string[] = []
  #size = 0

  constructor(fields: ErrorFields = {}) {
    this.#fields = fields
  }

  /** Takes a line without its end; gives the reply when that was its last. */
  add(line: string): Reply | undefined {
    const [, code, mark, text = ''] = /^([2-5]\d\d)(?:([ -])(.*))?$/s.exec(line) ?? []
    if (code === undefined) throw this.#nonsense('the server said what is no reply')
    if (this.#lines.length > 0 && code !== this.#code) throw this.#nonsense('the lines of a reply have different codes')
    this.#code = code
    this.#lines.push(text)
    this.#size += line.length
    if (this.#size > maxText || this.#lines.length > maxLines) {
      throw this.#nonsense('a reply does not come to an end')
    }
    if (mark === '-') return undefined
    const lines = this.#lines
    this.#lines = []
    this.#size = 0
    return toReply(Number(code), lines)
  }

  #nonsense(what: string): SmtpClientError {
    return new SmtpClientError('protocol', what, this.#fields)
  }
}

const toReply = (code: number, lines: readonly string[]): Reply => {
  const pattern = /^([245]\.\d{1,3}\.\d{1,3})(?: +|$)/
  const [, enhanced] = pattern.exec(lines[0] ?? '') ?? []
  if (enhanced === undefined || enhanced[0] !== String(code)[0]) return { code, enhanced: undefined, lines }
  return { code, enhanced, lines: lines.map((line) => (line.startsWith(enhanced) ? line.replace(pattern, '') : line)) }
}

/** The words of a reply in one line. */
export const replyText = ({ lines }: Reply): string =>
  lines
    .map((line) => line.replace(/\p{Cc}/gu, ' ').trim())
    .filter((line) => line !== '')
    .join(' ')
    .slice(0, maxWords)
    .toWellFormed()

/**
 * A reply that refuses, in the server's own code and words. 552 becomes 452: servers of old say it of too many recipients
 * (RFC 5321 §4.5.3.1.10), and a mailbox that is full may have room again.
 */
export const refusal = (reply: Reply, fields: ErrorFields = {}): SmtpError => {
  const text = replyText(reply) || 'The next server gave no reason'
  const { code, enhanced = `${Math.floor(code / 100)}.0.0` } = reply
  return code === 552
    ? SmtpError.given(452, `4${enhanced.slice(1)}`, text, fields)
    : SmtpError.given(code, enhanced, text, fields)
}

/** What is wrong with a reply that should be of that class: a refusal, or SmtpClientError for one that makes no sense. */
export const fault = (reply: Reply, expected: 2 | 3, fields: ErrorFields = {}): Error | undefined => {
  const category = Math.floor(reply.code / 100)
  if (category === expected) return undefined
  if (category >= 4) return refusal(reply, fields)
  return new SmtpClientError('protocol', `the server answered with ${reply.code}, which makes no sense here`, fields)
}

/** What a reply means that comes before its time; undefined for the beginning of one. */
export const outOfTurn = (reply: Reply | undefined, fields: ErrorFields = {}): Error =>
  reply && reply.code >= 400
    ? refusal(reply, fields)
    : new SmtpClientError('protocol', 'the server speaks out of turn', fields)
