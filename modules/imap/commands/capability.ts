import { always, type Command } from '../command.ts'
import { capabilities } from '../features.ts'

/** CAPABILITY (RFC 9051 §6.1.1). */
export const capability: Command = {
  name: 'CAPABILITY',
  states: always,
  async run(session, args) {
    args.end()
    session.out.line(`* CAPABILITY ${capabilities(session)}`)
    return undefined
  },
}
