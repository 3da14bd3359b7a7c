import { MilterError } from './error.ts'
import { encodePacket, type Packet, PacketReader } from './packet.ts'
import { type Stage, stages, symbolNames } from './symbols.ts'

/** What a filter may ask to be done to a message at its end (SMFIF_*). */
export const actions = {
  addHeaders: 0x01,
  changeBody: 0x02,
  addRecipients: 0x04,
  deleteRecipients: 0x08,
  changeHeaders: 0x10,
  quarantine: 0x20,
  changeSender: 0x40,
  addRecipientsWithParameters: 0x80,
  setSymbolList: 0x100,
} as const

/** What a filter does not want to be sent, need not answer, or wants otherwise (SMFIP_*). */
export const steps = {
  noConnect: 0x01,
  noHelo: 0x02,
  noMail: 0x04,
  noRecipient: 0x08,
  noBody: 0x10,
  noHeaders: 0x20,
  noEndOfHeader: 0x40,
  noReplyHeader: 0x80,
  noUnknown: 0x100,
  noData: 0x200,
  skip: 0x400,
  rejectedRecipients: 0x800,
  noReplyConnect: 0x1000,
  noReplyHelo: 0x2000,
  noReplyMail: 0x4000,
  noReplyRecipient: 0x8000,
  noReplyData: 0x10000,
  noReplyUnknown: 0x20000,
  noReplyEndOfHeader: 0x40000,
  noReplyBody: 0x80000,
  leadingSpace: 0x100000,
} as const

export type Step = keyof typeof steps

const all = (bits: Readonly<Record<string, number>>): number => Object.values(bits).reduce((sum, bit) => sum | bit, 0)

/** The newest version of the protocol, and the oldest that is still spoken. */
const newest = 6
const oldest = 2

/** What both sides have agreed on. */
export interface MilterOptions {
  readonly version: number
  /** Bits of `actions`. */
  readonly actions: number
  /** Bits of `steps`. */
  readonly steps: number
  /** The symbols the filter wants at a stage, instead of the usual ones. */
  readonly symbols: ReadonlyMap<Stage, readonly string[]>
}

/** Everything this side can do. */
export const offer = (): Buffer => {
  const numbers = Buffer.alloc(12)
  for (const [at, number] of [newest, all(actions), all(steps)].entries()) numbers.writeUInt32BE(number, at * 4)
  return encodePacket('O', numbers)
}

/** What the filter made of the offer. Throws MilterError when that cannot be met. */
export const parseOptions = (packet: Packet): MilterOptions => {
  if (packet.code !== 'O') throw new MilterError(`the filter answered an offer with ${JSON.stringify(packet.code)}`)
  const reader = new PacketReader(packet)
  const [version, wanted, chosen] = [reader.uint32(), reader.uint32(), reader.uint32()]
  if (version < oldest || version > newest) throw new MilterError(`the filter wants version ${version} of the protocol`)
  const symbols = new Map<Stage, readonly string[]>()
  while (!reader.done) {
    const stage = stages[reader.uint32()]
    if (!stage) throw new MilterError('the filter wants symbols at a stage that there is not')
    symbols.set(stage, symbolNames(reader.text()))
  }
  return { version, actions: wanted & all(actions), steps: chosen & all(steps), symbols }
}
