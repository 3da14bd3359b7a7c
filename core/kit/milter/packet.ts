import { MilterError } from './error.ts'

/** One packet: what it is, by a single character, and what comes with it. */
export interface Packet {
  readonly code: string
  readonly data: Buffer
}

/** A packet as it travels: a length of 32 bits, which counts the code and the data, then these. */
export const encodePacket = (code: string, ...data: readonly (string | Uint8Array)[]): Buffer => {
  const parts = data.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))
  const length = parts.reduce((size, part) => size + part.length, 1)
  const head = Buffer.alloc(5)
  head.writeUInt32BE(length)
  head.write(code, 4, 'latin1')
  return Buffer.concat([head, ...parts])
}

/** Text with the NUL that ends it. One within would begin another text: throws RangeError. */
export const cString = (text: string): Buffer => {
  if (text.includes('\0')) throw new RangeError('a NUL cannot be told to a filter')
  return Buffer.from(`${text}\0`)
}

/** Reads the data of a packet from its start. Whatever is not there throws MilterError. */
export class PacketReader {
  readonly #packet: Packet
  #at = 0

  constructor(packet: Packet) {
    this.#packet = packet
  }

  get done(): boolean {
    return this.#at >= this.#packet.data.length
  }

  uint32(): number {
    if (this.#at + 4 > this.#packet.data.length) throw this.#malformed()
    this.#at += 4
    return this.#packet.data.readUInt32BE(this.#at - 4)
  }

  /** The bytes up to the next NUL; the last NUL of a packet may be missing, as some filters have it. */
  bytes(): Buffer {
    const { data } = this.#packet
    if (this.done) throw this.#malformed()
    const nul = data.indexOf(0, this.#at)
    const end = nul < 0 ? data.length : nul
    const found = data.subarray(this.#at, end)
    this.#at = end + 1
    return found
  }

  text(): string {
    return this.bytes().toString()
  }

  #malformed(): MilterError {
    return new MilterError(`the filter sent a malformed packet ${JSON.stringify(this.#packet.code)}`)
  }
}
