import { randomInt } from 'node:crypto'
import type { RemoteInfo } from 'node:dgram'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { DecodedPacket } from 'dns-packet'
import { AUTHENTIC_DATA, decode, encode, RECURSION_DESIRED } from 'dns-packet'
import { bareName, type QueryType } from './query.ts'
import { DnsError } from './resolver.ts'

export interface Server {
  readonly host: string
  readonly port: number
}

/** What fits through any path without fragments, by the DNS flag day of 2020. */
const udpPayloadSize = 1232

/**
 * One question to one server: UDP from a port and with a number that nobody can guess, and TCP when the answer does not fit.
 * Packets that do not answer the question are passed over. Throws DnsError, or what the signal aborts with.
 */
export const exchange = async (
  server: Server,
  name: string,
  type: QueryType,
  signal: AbortSignal,
): Promise<DecodedPacket> => {
  const id = randomInt(0x10000)
  const query = encode({
    type: 'query',
    id,
    // AD in a query asks for AD in the answer (RFC 6840 §5.7).
    flags: RECURSION_DESIRED | AUTHENTIC_DATA,
    questions: [{ type, name, class: 'IN' }],
    additionals: [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ],
  })
  const read = (bytes: Buffer) => reply(bytes, id, name, type)
  const answer = await overUdp(server, query, read, signal)
  return answer.flag_tc ? await overTcp(server, query, read, signal) : answer
}

/**
 * The packet, if it is an answer to that question. Undefined for anything else; throws DnsError when it has the right number
 * but cannot be read.
 */
const reply = (bytes: Buffer, id: number, name: string, type: QueryType): DecodedPacket | undefined => {
  if (bytes.length < 12 || bytes.readUInt16BE(0) !== id || ((bytes[2] ?? 0) & 0x80) === 0) return undefined
  let packet: DecodedPacket
  try {
    packet = decode(bytes)
    if (decode.bytes > bytes.length) throw new RangeError('the packet breaks off') // the library reads on regardless
  } catch (cause) {
    throw new DnsError('malformed', `an answer about ${name} could not be read`, { cause })
  }
  const [question, another] = packet.questions ?? []
  const same = question && !another && question.type === type && bareName(question.name) === name
  return same && question.class === 'IN' ? packet : undefined
}

type Read = (bytes: Buffer) => DecodedPacket | undefined

const overUdp = async (
  { host, port }: Server,
  query: Buffer,
  read: Read,
  signal: AbortSignal,
): Promise<DecodedPacket> => {
  const socket = createSocket(isIPv6(host.replace(/%.*$/, '')) ? 'udp6' : 'udp4')
  const { promise, resolve, reject } = Promise.withResolvers<DecodedPacket>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    signal.throwIfAborted()
    socket.on('error', (cause) => reject(unreachable(cause)))
    socket.on('message', (bytes: Buffer, _from: RemoteInfo) => {
      try {
        const packet = read(bytes)
        if (packet) resolve(packet)
      } catch (error) {
        reject(error)
      }
    })
    // A connected socket hears its peer alone, and of a closed port at once.
    socket.connect(port, host, () => socket.send(query, (cause) => cause && reject(unreachable(cause))))
    return await promise
  } finally {
    signal.removeEventListener('abort', abort)
    socket.close()
  }
}

const overTcp = async (server: Server, query: Buffer, read: Read, signal: AbortSignal): Promise<DecodedPacket> => {
  const socket = connect({ ...server, signal })
  try {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(query.length)
    socket.write(Buffer.concat([length, query]))
    let received = Buffer.alloc(0)
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer])
      const end = received.length < 2 ? Number.POSITIVE_INFINITY : 2 + received.readUInt16BE(0)
      if (received.length < end) continue
      const packet = read(received.subarray(2, end))
      if (packet) return packet
      break
    }
    throw new DnsError('malformed', 'a server gave no answer to the question over TCP')
  } catch (cause) {
    signal.throwIfAborted()
    throw cause instanceof DnsError ? cause : unreachable(cause)
  } finally {
    socket.destroy()
  }
}

const unreachable = (cause: unknown): DnsError =>
  new DnsError('unreachable', 'a server could not be reached', { cause })
