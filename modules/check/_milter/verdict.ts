import { SmtpError, type Verdict } from '../../../core/index.ts'
import { type Answer, MilterError } from '../../../core/kit/milter/index.ts'

const text = 'Message rejected due to local policy'

/** What an answer means for what was asked about; undefined when there is nothing against it. Throws MilterError. */
export const verdictOf = (answer: Answer): Verdict | undefined => {
  switch (answer.kind) {
    case 'continue':
    case 'accept':
      return undefined
    case 'reject':
      return refusal(SmtpError.permanent(550, '5.7.1', text))
    case 'tempfail':
      return refusal(SmtpError.temporary(450, '4.7.1', text))
    case 'discard': // a client is not to believe that its mail was taken
      return refusal(SmtpError.temporary(450, '4.7.1', text, { misc: 'discard is not supported' }))
    case 'shutdown':
      return refusal(SmtpError.temporary(421, '4.7.1', text))
    case 'reply': {
      const { code, enhanced = `${Math.floor(answer.code / 100)}.7.1` } = answer
      return refusal(SmtpError.given(code, enhanced, answer.text || text))
    }
    case 'skip':
      throw new MilterError('the filter skips what cannot be skipped')
  }
}

const refusal = (reason: SmtpError): Verdict => ({ action: 'reject', reason })

/** For Junk only, because the filter says so. What it says is for the log. */
export const quarantined = (said: string): Verdict => ({
  action: 'quarantine',
  reason: SmtpError.permanent(550, '5.7.1', 'Message quarantined by a filter', { filter_reason: said }),
})

export const ioError = (cause: unknown, milter: string): Verdict =>
  refusal(SmtpError.temporary(451, '4.7.1', 'I/O error during policy check', { cause, milter }))

export const unreadableBody = (cause: unknown, milter: string): Verdict =>
  refusal(SmtpError.temporary(451, '4.7.1', 'Internal error during policy check', { cause, milter }))
