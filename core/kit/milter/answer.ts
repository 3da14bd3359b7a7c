import { MilterError } from './error.ts'
import { type Packet, PacketReader } from './packet.ts'

/** What a filter has to say of a step. */
export type Answer =
  | { readonly kind: 'continue' | 'accept' | 'reject' | 'tempfail' | 'discard' | 'skip' | 'shutdown' }
  | Reply

/** A refusal in the filter's own words. */
export interface Reply {
  readonly kind: 'reply'
  /** 400 to 599. */
  readonly code: number
  readonly enhanced: string | undefined
  /** Lines joined with LF; may be empty. */
  readonly text: string
}

/** What a filter wants changed at the end of a message. */
export type Change =
  /** A value comes with its folds, as LF and blank, and with the blank after the colon when `steps.leadingSpace` is agreed. */
  | { readonly kind: 'addHeader'; readonly name: string; readonly value: Buffer }
  /** Above so many others, of which the first is the trace of the server itself. */
  | { readonly kind: 'insertHeader'; readonly index: number; readonly name: string; readonly value: Buffer }
  /** The field of that name, counted from 1; an empty value deletes it. */
  | { readonly kind: 'changeHeader'; readonly index: number; readonly name: string; readonly value: Buffer }
  /** A piece of a new body. */
  | { readonly kind: 'body'; readonly bytes: Buffer }
  /** Addresses come in angle brackets, usually. */
  | { readonly kind: 'sender' | 'addRecipient'; readonly address: string; readonly parameters: string }
  | { readonly kind: 'deleteRecipient'; readonly address: string }
  | { readonly kind: 'quarantine'; readonly reason: string }

const plain: Readonly<Record<string, Exclude<Answer, Reply>['kind']>> = {
  c: 'continue',
  a: 'accept',
  r: 'reject',
  t: 'tempfail',
  d: 'discard',
  s: 'skip',
  '4': 'shutdown',
}

/** Throws MilterError for what is no answer. */
export const parseAnswer = (packet: Packet): Answer => {
  const kind = Object.hasOwn(plain, packet.code) ? plain[packet.code] : undefined
  if (kind) return { kind }
  if (packet.code === 'y') return parseReply(new PacketReader(packet).text())
  throw new MilterError(`the filter sent ${JSON.stringify(packet.code)}, which is no answer`)
}

/** As many lines, and characters in each, as libmilter lets a filter say. */
const maxLines = 32
const maxLine = 980

/** Each line has the code, and the enhanced code if there is one; a percent sign comes twice, as for printf. */
const parseReply = (written: string): Reply => {
  const lines = written.replace(/[\r\n]+$/, '').split(/\r*\n/, maxLines)
  const [, code, enhanced] = replyLine.exec(lines[0] ?? '') ?? []
  if (code === undefined) throw new MilterError('the filter sent a reply whose code is neither 4yz nor 5yz')
  const texts = lines.map((line) => line.replace(replyLine, '').replaceAll('%%', '%').slice(0, maxLine))
  return { kind: 'reply', code: Number(code), enhanced, text: texts.join('\n') }
}

const replyLine = /^([45]\d\d)(?:[ -]|$)(?:([45]\.\d{1,3}\.\d{1,3})(?: |$))?/

/** What a packet wants changed; undefined when it is none of that kind. Throws MilterError when it is malformed. */
export const parseChange = (packet: Packet): Change | undefined => {
  const reader = new PacketReader(packet)
  switch (packet.code) {
    case 'h':
      return { kind: 'addHeader', name: reader.text(), value: optional(reader) }
    case 'i':
      return { kind: 'insertHeader', index: reader.uint32(), name: reader.text(), value: optional(reader) }
    case 'm':
      return { kind: 'changeHeader', index: reader.uint32(), name: reader.text(), value: optional(reader) }
    case 'b':
      return { kind: 'body', bytes: packet.data }
    case 'e':
      return { kind: 'sender', address: reader.text(), parameters: optional(reader).toString() }
    case '+':
    case '2':
      return { kind: 'addRecipient', address: reader.text(), parameters: optional(reader).toString() }
    case '-':
      return { kind: 'deleteRecipient', address: reader.text() }
    case 'q':
      return { kind: 'quarantine', reason: optional(reader).toString() }
    default:
      return undefined
  }
}

const optional = (reader: PacketReader): Buffer => (reader.done ? Buffer.alloc(0) : reader.bytes())
