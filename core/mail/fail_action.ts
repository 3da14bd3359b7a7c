import { ConfigError, type Node } from '../../grammar/node.ts'
import { Directive } from '../config/directive.ts'
import { didYouMean } from '../config/nearest.ts'
import { quoted, withoutBlock } from '../config/values.ts'
import { SmtpError } from '../kit/smtp/error.ts'
import type { Action, Verdict } from './check.ts'
import { parseReply } from './reply.ts'

const actions: readonly Action[] = ['ignore', 'quarantine', 'reject']

const reply = '[CODE [ENHANCED-CODE [TEXT]]]'
const usage = `ignore|quarantine|reject ${reply}`

const written = (usage: string, doc: string) =>
  new Directive<Node>({ args: `custom: ${usage || 'nothing'}`, usage, doc }, (node) => node)

/** The words that such a directive begins with, for the manual. */
export const actionWords = {
  ignore: written('', 'Tells the log only.'),
  quarantine: written(reply, 'Marks the message as fit for Junk; code and text are for the log.'),
  reject: written(reply, 'Refuses, in the words of the check unless others are given.'),
}

/** What an administrator wants done about a finding, and said about it. */
export interface FailAction {
  readonly action: Action
  /** In place of the check's own code and text. */
  readonly reply: SmtpError | undefined
}

/** `fail_action` and its like: `reject 451 4.7.1 "Try again later"`. */
export const failAction = () =>
  new Directive<FailAction | undefined>({ args: `custom: ${usage}`, usage, values: actions }, (node) => {
    withoutBlock(node)
    const [word, ...reply] = node.args
    if (!word) throw new ConfigError(node.name.at, `${node.name.text} needs ${usage}`)
    const action = actions.find((each) => each === word.text)
    if (!action) {
      const hint = didYouMean(word.text, actions)
      throw new ConfigError(word.at, `expected ${actions.join(', ')}, not ${quoted(word.text)}${hint}`)
    }
    // What stands after `ignore` has never meant anything.
    return { action, reply: action === 'ignore' || reply.length === 0 ? undefined : parseReply(reply) }
  })

/** The verdict on a finding: what the administrator wants done, in the administrator's words where there are any. */
export const judge = ({ action, reply }: FailAction, reason: SmtpError): Verdict & { readonly action: Action } => {
  if (!reply) return { action, reason }
  const { cause, fields } = reason
  const details = { ...fields, ...(cause !== undefined && { cause }) }
  return { action, reason: SmtpError.given(reply.code, reply.enhanced, reply.message, details) }
}
