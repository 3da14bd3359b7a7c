import { type Command, loggedIn } from '../command.ts'
import { readList } from '../list/request.ts'
import { answerList } from '../list/run.ts'

/** LIST (RFC 9051 §6.3.9, RFC 5258, RFC 5819, RFC 6154). */
export const list: Command = {
  name: 'LIST',
  states: loggedIn,
  async run(session, args) {
    const request = readList(args)
    if (request) await answerList(session, request)
    else session.out.line('* LIST (\\Noselect) "." ""')
    return undefined
  },
}
