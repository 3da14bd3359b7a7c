import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import { readBody, rfc822, rfc822Header, rfc822Text } from './body.ts'
import { envelope } from './envelope.ts'
import type { FetchAttribute } from './message.ts'
import { flags, internalDate, size, uid } from './plain.ts'
import { body, bodyStructure } from './structure.ts'

/** Each item by its name; the reader takes what follows the name. */
const items: ReadonlyMap<string, (args: Arguments) => FetchAttribute> = new Map<
  string,
  (args: Arguments) => FetchAttribute
>([
  ['FLAGS', () => flags],
  ['UID', () => uid],
  ['INTERNALDATE', () => internalDate],
  ['RFC822.SIZE', () => size],
  ['ENVELOPE', () => envelope],
  ['BODYSTRUCTURE', () => bodyStructure],
  ['BODY', (args) => (args.next('[') ? readBody(args, false) : body)],
  ['BODY.PEEK', (args) => readBody(args, true)],
  ['RFC822', () => rfc822],
  ['RFC822.HEADER', () => rfc822Header],
  ['RFC822.TEXT', () => rfc822Text],
])

const macros: ReadonlyMap<string, readonly FetchAttribute[]> = new Map([
  ['FAST', [flags, internalDate, size]],
  ['ALL', [flags, internalDate, size, envelope]],
  ['FULL', [flags, internalDate, size, envelope, body]],
])

/** Reads what FETCH is asked for: a macro, an item, or items in parentheses; in the order asked for. */
export function readItems(args: Arguments): readonly FetchAttribute[] {
  if (args.next('(')) {
    const list = args.list(() => readItem(args, args.word('an item')))
    if (list.length === 0) throw ImapError.bad('Expected an item')
    return list
  }
  const name = args.word('an item')
  return macros.get(name) ?? [readItem(args, name)]
}

function readItem(args: Arguments, name: string): FetchAttribute {
  const read = items.get(name)
  if (!read) throw ImapError.bad('Unknown FETCH item')
  return read(args)
}

/** FLAGS and UID, for those who add them to what was asked for. */
export { flags as flagsItem, uid as uidItem }
