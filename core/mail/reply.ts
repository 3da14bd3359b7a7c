import { ConfigError, type Word } from '../../grammar/node.ts'
import { blaming, Directive } from '../config/directive.ts'
import { quoted, withoutBlock } from '../config/values.ts'
import { SmtpError } from '../kit/smtp/error.ts'

const usage = '[CODE [ENHANCED-CODE [TEXT]]]'

/**
 * A refusal in an administrator's words: `550 5.1.1 "No such user"`. What is left out is 554, a local policy, and the
 * enhanced code of that class. Throws ConfigError.
 */
export const parseReply = (words: readonly Word[]): SmtpError => {
  const [code, enhanced, text, extra] = words
  if (extra) throw new ConfigError(extra.at, `expected ${usage}, not ${quoted(extra.text)} as well`)
  if (text?.text === '') throw new ConfigError(text.at, 'the text of a refusal cannot be empty')
  const number = code ? blaming(code.at, () => replyCode(code.text)) : 554
  const detail = enhanced?.text ?? `${Math.floor(number / 100)}.7.0`
  const message = text?.text ?? 'Message rejected due to a local policy'
  const at = enhanced?.at ?? code?.at
  return at ? blaming(at, () => SmtpError.given(number, detail, message)) : SmtpError.given(number, detail, message)
}

const replyCode = (written: string): number => {
  const code = /^\d{3}$/.test(written) ? Number(written) : Number.NaN
  if (!(code >= 400 && code <= 599)) throw new RangeError(`expected a code from 400 to 599, not ${quoted(written)}`)
  return code
}

/** `reject`: refuses recipients with the reply given. */
export const reject = () =>
  new Directive<SmtpError | undefined>({ args: `custom: ${usage}`, usage }, (node) => {
    withoutBlock(node)
    return parseReply(node.args)
  })
