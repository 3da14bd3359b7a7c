import type { Body, Envelope, FilterVerdict, Message } from '../../../core/index.ts'
import { formatAddress, quoteLocal, toAscii } from '../../../core/kit/address/index.ts'
import type { CachedHeader } from '../../../core/kit/message/index.ts'
import {
  cachedHeaderToJson,
  concatBody,
  describeContent,
  shiftStructure,
  structureToJson,
} from '../../../core/kit/message/index.ts'
import type { KeptBody } from './bodies/bodies.ts'
import type { Arrival } from './operations/append.ts'

/** A message made ready for several accounts. */
export interface Prepared {
  /** What each account gets, in order. */
  readonly contents: readonly Body[]
  /** What the database is to be told, once it is known where these are. */
  arrivals(kept: readonly KeptBody[]): Arrival[]
}

interface Destination {
  readonly id: number
  readonly account: string
}

/**
 * Puts Return-Path (RFC 5321 §4.4) and, above it, Delivered-To on top of a message for each account. It is described once,
 * and the description moved down by what is on top.
 */
export const prepare = async (
  message: Message,
  envelope: Envelope,
  destinations: readonly Destination[],
  { junk, verdicts }: { junk: string | undefined; verdicts: ReadonlyMap<number, FilterVerdict> },
): Promise<Prepared> => {
  const returnPath = pathOf(envelope)
  const original = concatBody(Buffer.concat([message.header.bytes(), crlf]), message.body)
  const { structure, cachedHeader } = await describeContent(original)
  const date = Math.floor(Date.now() / 1000)
  const rows = destinations.map(({ id, account }) => {
    const top = topFields(account, returnPath)
    const header = {
      ...cachedHeader,
      'Delivered-To': [account, ...(cachedHeader['Delivered-To'] ?? [])],
      'Return-Path': [`<${returnPath}>`, ...(cachedHeader['Return-Path'] ?? [])],
    } satisfies CachedHeader
    const { folder, flags = [] } = verdicts.get(id) ?? {}
    const content = concatBody(top, original)
    return {
      content,
      arrival: { account: id, username: account, folder, junk },
      row: {
        date,
        size: content.size,
        structure: structureToJson(shiftStructure(structure, top.length)),
        header: cachedHeaderToJson(header),
        flags,
      },
    }
  })
  return {
    contents: rows.map(({ content }) => content),
    arrivals: (kept) =>
      rows.flatMap(({ arrival, row }, index) => (kept[index] ? [{ ...arrival, row: { ...row, ...kept[index] } }] : [])),
  }
}

/** How much the message takes in an account, in bytes: header and body, with what is put on top. */
export const storedSize = (message: Message, envelope: Envelope): ((account: string) => number) => {
  const returnPath = pathOf(envelope)
  const rest = message.header.bytes().length + crlf.length + message.body.size
  return (account) => topFields(account, returnPath).length + rest
}

const topFields = (account: string, returnPath: string): Buffer =>
  Buffer.from(`Delivered-To: ${oneLine(account)}\r\nReturn-Path: <${returnPath}>\r\n`)

const crlf = Buffer.from('\r\n')

/** The reverse-path, empty for a bounce. */
const pathOf = ({ reversePath, smtputf8 }: Envelope): string => {
  if (!reversePath) return ''
  const domain = smtputf8 ? reversePath.domain : toAscii(reversePath.domain)
  return oneLine(formatAddress({ local: quoteLocal(reversePath.local), domain }))
}

/** No field of ours can be made to end early. */
const oneLine = (text: string): string => text.replace(/[\r\n\0]/g, '')
