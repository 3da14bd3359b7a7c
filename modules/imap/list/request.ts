import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import { readStatusItems, type StatusItem } from '../status_items.ts'
import { separator } from './hierarchy.ts'

/** What a LIST command asks for (RFC 5258). */
export interface ListRequest {
  /** Which mailboxes, of those whose names match; all of these must apply. */
  readonly subscribed: boolean
  readonly specialUse: boolean
  /** Also parents of mailboxes that are selected, but whose names do not match. */
  readonly recursive: boolean
  readonly patterns: readonly string[]
  readonly showSubscribed: boolean
  /** A STATUS response for each mailbox (RFC 5819). */
  readonly status: readonly StatusItem[]
}

const mostPatterns = 64

/** Reads the arguments of LIST; undefined for the request for the separator, `LIST "" ""`. */
export function readList(args: Arguments): ListRequest | undefined {
  const selected = args.next('(') ? readSelection(args) : undefined
  const reference = args.mailbox()
  args.space()
  const many = args.next('(')
  const patterns = many ? args.list(() => args.pattern()) : [args.pattern()]
  if (patterns.length === 0 || patterns.length > mostPatterns) throw ImapError.bad('Too many patterns, or none')
  const returned = args.accept(' ') ? readReturn(args) : { subscribed: false, status: [] }
  args.end()
  if (!selected && !many && patterns[0] === '') return undefined
  return {
    subscribed: selected?.has('SUBSCRIBED') ?? false,
    specialUse: selected?.has('SPECIAL-USE') ?? false,
    recursive: selected?.has('RECURSIVEMATCH') ?? false,
    patterns: patterns.map((pattern) => join(reference, pattern)),
    showSubscribed: returned.subscribed || (selected?.has('SUBSCRIBED') ?? false),
    status: returned.status,
  }
}

function readSelection(args: Arguments): ReadonlySet<string> {
  const options = new Set(args.list(() => args.keyword('an option')))
  args.space()
  for (const option of options) {
    if (!['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'].includes(option)) {
      throw ImapError.bad('Unknown selection option')
    }
  }
  if (options.has('RECURSIVEMATCH') && !options.has('SUBSCRIBED') && !options.has('SPECIAL-USE')) {
    throw ImapError.bad('RECURSIVEMATCH cannot stand alone')
  }
  return options
}

function readReturn(args: Arguments): { subscribed: boolean; status: readonly StatusItem[] } {
  if (args.word('RETURN') !== 'RETURN') throw ImapError.bad('Expected RETURN')
  args.space()
  let subscribed = false
  let status: readonly StatusItem[] = []
  args.list(() => {
    const option = args.keyword('an option')
    if (option === 'STATUS') {
      args.space()
      status = readStatusItems(args)
    } else if (option === 'SUBSCRIBED') subscribed = true
    else if (option !== 'CHILDREN' && option !== 'SPECIAL-USE') throw ImapError.bad('Unknown return option')
  })
  return { subscribed, status }
}

/** Reference and pattern as one; a separator at the start of the pattern makes the reference void. */
export function join(reference: string, pattern: string): string {
  if (pattern.startsWith(separator)) return pattern.slice(1)
  return reference === '' || reference.endsWith(separator) ? reference + pattern : reference + separator + pattern
}
