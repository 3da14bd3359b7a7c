import { type Command, loggedIn } from '../command.ts'
import { switches } from '../switches.ts'

/** ENABLE (RFC 5161): lists what this command has switched on, and passes over what it does not know. */
export const enable: Command = {
  name: 'ENABLE',
  states: loggedIn,
  async run(session, args) {
    const wanted: string[] = []
    do wanted.push(args.keyword('a capability'))
    while (args.accept(' '))
    args.end()
    const fresh = [...new Set(wanted)].filter((name) => switches.has(name) && !session.enabled.has(name))
    for (const name of fresh) {
      session.enabled.add(name)
      switches.get(name)?.(session)
    }
    session.out.line(['* ENABLED', ...fresh].join(' '))
    return undefined
  },
}
