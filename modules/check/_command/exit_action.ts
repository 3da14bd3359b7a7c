import type { FailAction } from '../../../core/index.ts'
import { blaming, ConfigError, Directive, failAction, quoted } from '../../../core/index.ts'

const usage = 'STATUS ignore|quarantine|reject [CODE [ENHANCED-CODE [TEXT]]]'
const what = failAction().required()

/** An exit status and what is done about it: `code 3 reject 552 5.2.2 "Too big"`. */
export const exitAction = () =>
  new Directive<readonly [status: number, FailAction] | undefined>(
    { args: `custom: ${usage}`, usage },
    async (node, scope) => {
      const [status, ...action] = node.args
      if (!status) throw new ConfigError(node.name.at, `${node.name.text} needs ${usage}`)
      const number = blaming(status.at, () => exitStatus(status.text))
      return [number, await what.read(node.name.text, [{ ...node, args: action }], node.name, scope)]
    },
  )

const exitStatus = (written: string): number => {
  if (/^[+-]?\d{1,10}$/.test(written)) return Number(written)
  throw new RangeError(`expected an exit status, not ${quoted(written)}`)
}
