import type { FailAction, Verdict } from '../../../core/index.ts'
import { judge, SmtpError } from '../../../core/index.ts'
import type { Result } from './result.ts'

/** What is done about each recommendation; named like the directives. */
export interface Actions {
  readonly add_header_action: FailAction
  readonly rewrite_subj_action: FailAction
  readonly reject_action: FailAction
  readonly soft_reject_action: FailAction
}

/** What is done about a result. Undefined when it is none of those that rspamd is known for. */
export const verdictOn = ({ action, score }: Result, actions: Actions): Verdict | undefined => {
  const points = `X-Spam-Score: ${score.toFixed(2)}\r\n`
  const text = 'Message rejected due to local policy'
  const suspect = () => SmtpError.temporary(450, '4.7.0', text, { check: 'rspamd', action, score })
  const spam = (fail: FailAction): Verdict => ({ ...judge(fail, suspect()), fields: [points, 'X-Spam-Flag: Yes\r\n'] })
  switch (action) {
    case 'no action':
      return {}
    case 'greylist':
      return { fields: [points] }
    case 'add header':
      return spam(actions.add_header_action)
    case 'rewrite subject':
      return spam(actions.rewrite_subj_action)
    case 'soft reject':
      return judge(actions.soft_reject_action, suspect())
    case 'reject':
      return judge(actions.reject_action, SmtpError.permanent(550, '5.7.0', text, { check: 'rspamd', action, score }))
    default:
      return undefined
  }
}
