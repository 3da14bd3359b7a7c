import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import type { View } from '../view.ts'
import type { Decode } from './charset.ts'
import { and, not, or } from './combine.ts'
import { anyText, bodyText, field } from './content.ts'
import { arrived, before, on, sent, since } from './dates.ts'
import { all, flagged, old, recent, unflagged } from './flags.ts'
import type { SearchKey } from './key.ts'
import { larger, smaller, within } from './numbers.ts'

/** What keys are read from. */
export interface KeySource {
  readonly args: Arguments
  readonly decode: Decode
  /** For sequence numbers and UIDs. */
  readonly view: View
}

type Read = (source: KeySource) => SearchKey

const string = ({ args, decode }: KeySource): string => {
  args.space()
  return decode(args.astringOctets())
}

const date = ({ args }: KeySource): number => {
  args.space()
  return args.date()
}

const number = ({ args }: KeySource): number => {
  args.space()
  return args.number()
}

const keyword = ({ args }: KeySource): string => {
  args.space()
  return args.atom('a keyword')
}

/** Each key by its name; the reader takes what follows the name. */
const keys: ReadonlyMap<string, Read> = new Map<string, Read>([
  ['ALL', () => all],
  ['ANSWERED', () => flagged('\\Answered')],
  ['DELETED', () => flagged('\\Deleted')],
  ['DRAFT', () => flagged('\\Draft')],
  ['FLAGGED', () => flagged('\\Flagged')],
  ['SEEN', () => flagged('\\Seen')],
  ['KEYWORD', (source) => flagged(keyword(source))],
  ['UNANSWERED', () => unflagged('\\Answered')],
  ['UNDELETED', () => unflagged('\\Deleted')],
  ['UNDRAFT', () => unflagged('\\Draft')],
  ['UNFLAGGED', () => unflagged('\\Flagged')],
  ['UNSEEN', () => unflagged('\\Seen')],
  ['UNKEYWORD', (source) => unflagged(keyword(source))],
  ['RECENT', () => recent],
  ['OLD', () => old],
  ['NEW', () => and([recent, unflagged('\\Seen')])],
  ['BEFORE', (source) => arrived(before(date(source)))],
  ['ON', (source) => arrived(on(date(source)))],
  ['SINCE', (source) => arrived(since(date(source)))],
  ['SENTBEFORE', (source) => sent(before(date(source)))],
  ['SENTON', (source) => sent(on(date(source)))],
  ['SENTSINCE', (source) => sent(since(date(source)))],
  ['LARGER', (source) => larger(number(source))],
  ['SMALLER', (source) => smaller(number(source))],
  ['UID', (source) => readSet(source, true)],
  ['BCC', (source) => field('Bcc', string(source))],
  ['CC', (source) => field('Cc', string(source))],
  ['FROM', (source) => field('From', string(source))],
  ['SUBJECT', (source) => field('Subject', string(source))],
  ['TO', (source) => field('To', string(source))],
  ['HEADER', readHeaderKey],
  ['BODY', (source) => bodyText(string(source))],
  ['TEXT', (source) => anyText(string(source))],
  ['NOT', (source) => source.args.deeper(() => not(readNext(source)))],
  ['OR', (source) => source.args.deeper(() => or(readNext(source), readNext(source)))],
])

/** Reads keys with spaces between them, all of which must match. */
export function readKeys(source: KeySource): SearchKey {
  const found: SearchKey[] = []
  do found.push(readKey(source))
  while (source.args.accept(' '))
  return and(found)
}

function readKey(source: KeySource): SearchKey {
  const { args, view } = source
  if (args.next('(')) return args.nested(() => readKeys(source))
  if (args.atSequenceSet) return within(view.resolveLeniently(args.sequenceSet(), false))
  const read = keys.get(args.keyword('a search key'))
  if (!read) throw ImapError.bad('Unknown search key')
  return read(source)
}

function readNext(source: KeySource): SearchKey {
  source.args.space()
  return readKey(source)
}

function readSet(source: KeySource, byUid: boolean): SearchKey {
  source.args.space()
  return within(source.view.resolveLeniently(source.args.sequenceSet(), byUid))
}

function readHeaderKey(source: KeySource): SearchKey {
  const name = string(source)
  return field(name, string(source))
}
