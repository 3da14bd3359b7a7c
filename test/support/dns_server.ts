import type { Socket as UdpSocket } from 'node:dgram'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import type { DecodedPacket, Packet } from 'dns-packet'
import { AUTHENTIC_DATA, decode, encode, RECURSION_AVAILABLE, TRUNCATED_RESPONSE } from 'dns-packet'
import type { Zone } from '../../core/kit/dns/memory.ts'
import { answerFrom } from '../../core/kit/dns/memory.ts'
import type { QueryType, Reply } from '../../core/kit/dns/query.ts'
import { DnsError } from '../../core/kit/dns/resolver.ts'

export type Transport = 'udp' | 'tcp'

export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:PORT`, the same for UDP and TCP. */
  readonly address: string
  /** Every question so far: `udp MX x.example`. */
  readonly asked: readonly string[]
}

/** What is sent back, in this order; `honest` is the answer from the records. Nothing at all leaves the client waiting. */
export type Respond = (query: DecodedPacket, honest: Buffer, transport: Transport) => readonly Buffer[]

/** A DNS server on the loopback interface, with these records and, if need be, bad manners. */
export const dnsServer = async (records: Zone, respond: Respond = (_query, honest) => [honest]): Promise<DnsServer> => {
  const asked: string[] = []
  const answer = (bytes: Buffer, transport: Transport): readonly Buffer[] => {
    const query = decode(bytes)
    const [question] = query.questions ?? []
    asked.push(`${transport} ${question?.type} ${question?.name}`)
    return respond(query, encode(packetFor(records, query)), transport)
  }
  const connections = new Set<Socket>()
  const tcp = createServer((socket) => {
    connections.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => connections.delete(socket))
    socket.once('data', (bytes) => {
      for (const each of answer(bytes.subarray(2), 'tcp')) {
        const length = Buffer.alloc(2)
        length.writeUInt16BE(each.length)
        socket.write(Buffer.concat([length, each]))
      }
    })
  })
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const { port } = tcp.address() as AddressInfo
  const udp: UdpSocket = createSocket('udp4', (bytes, from) => {
    for (const each of answer(bytes, 'udp')) udp.send(each, from.port, from.address)
  })
  udp.bind(port, '127.0.0.1')
  await once(udp, 'listening')
  return {
    address: `127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      udp.close()
      for (const connection of connections) connection.destroy()
      tcp.close()
      await once(tcp, 'close')
    },
  }
}

/** The answer to a query, from the records; those that fail do so with their code. */
const packetFor = (records: Zone, query: DecodedPacket): Packet => {
  const [question] = query.questions ?? []
  const base = { type: 'response', id: query.id, questions: query.questions } as const
  try {
    const reply = answerFrom(records)(question?.name ?? '', (question?.type ?? 'A') as QueryType)
    return { ...base, flags: flagsOf(reply), answers: [...reply.answers], authorities: authoritiesOf(reply) }
  } catch (error) {
    if (!(error instanceof DnsError)) throw error
    return { ...base, flags: RECURSION_AVAILABLE | (codes[error.code] ?? 2) }
  }
}

const codes: Readonly<Record<string, number>> = { FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 }

const flagsOf = ({ code, authentic }: Reply): number =>
  RECURSION_AVAILABLE | (authentic ? AUTHENTIC_DATA : 0) | (code === 'NXDOMAIN' ? 3 : 0)

/** An SOA, which says for how long it may be remembered that there is nothing. */
const authoritiesOf = ({ answers }: Reply): Packet['authorities'] =>
  answers.length > 0
    ? []
    : [{ type: 'SOA', name: 'example', ttl: 60, data: { mname: 'ns.example', rname: 'admin.example', minimum: 30 } }]

/** An answer that does not fit into UDP: no records, and the bit that says so. */
export const truncated = (query: DecodedPacket): Buffer =>
  encode({
    type: 'response',
    id: query.id ?? 0,
    flags: RECURSION_AVAILABLE | TRUNCATED_RESPONSE,
    questions: query.questions ?? [],
  })
