import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import { string } from '../../../core/kit/imap/format.ts'
import { always, type Command } from '../command.ts'

/** ID (RFC 2971). What the client says of itself goes to the debug log, without control characters. */
export const id: Command = {
  name: 'ID',
  states: always,
  async run({ out, log, settings }, args) {
    const told = args.next('(') ? pairs(args) : none(args)
    args.end()
    if (log.debugging) log.debug('client identification', Object.fromEntries(told))
    out.line(`* ID ("name" ${string(settings.identity)})`)
    return undefined
  },
}

function none(args: Arguments): [] {
  if (args.nstring() !== null) throw ImapError.bad('Expected a list or NIL')
  return []
}

function pairs(args: Arguments): [key: string, value: string][] {
  const read = args.list((): [string, string] => {
    const key = args.string('a field')
    args.space()
    const value = args.nstring() ?? ''
    if (key.length > 30 || value.length > 1024) throw ImapError.bad('Field too long')
    return [key, value]
  })
  if (read.length > 30) throw ImapError.bad('Too many fields')
  return read.map(([key, value]) => [plain(key), plain(value)])
}

const plain = (text: string): string => text.replace(/\p{Cc}/gu, ' ')
