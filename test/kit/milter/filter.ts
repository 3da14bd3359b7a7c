import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { actions, encodePacket, steps } from '../../../core/kit/milter/index.ts'

/** What a filter was sent. */
export interface Seen {
  readonly code: string
  readonly data: Buffer
}

type Said = Uint8Array | undefined
type Script = Said | readonly Said[] | ((packet: Seen, nth: number) => Said | Promise<Said>)

/** Packets to answer commands with, by their code; `undefined` is silence. A list is for the first, the second and so on. */
export type Scripts = Readonly<Record<string, Script>>

/** A mail filter that says what it is told to, in raw packets over real sockets. */
export interface ScriptedFilter extends AsyncDisposable {
  readonly port: number
  /** What all connections brought, in the order it came. */
  readonly seen: readonly Seen[]
  readonly sockets: readonly Socket[]
  /** The codes of what was sent, without the symbols; each run of equal ones once. */
  codes(): string
  /** The texts of the last packet of that code. */
  texts(code: string): readonly string[]
  /** The symbols told for that command, by their names. */
  symbols(code: string): Readonly<Record<string, string>>
  /** Resolves when all connections there were are closed. */
  closed(): Promise<void>
}

export const packet = encodePacket
export const carryOn = packet('c')

const everything = Object.values(steps).reduce((sum, bit) => sum | bit, 0)
const commands = 'CHMRTLNBEU'

/** An answer to the offer. */
export const options = (
  chosen: number = steps.leadingSpace,
  version = 6,
  more: Uint8Array = Buffer.alloc(0),
): Buffer => {
  const numbers = Buffer.alloc(12)
  numbers.writeUInt32BE(version)
  numbers.writeUInt32BE(
    Object.values(actions).reduce((sum, bit) => sum | bit, 0),
    4,
  )
  numbers.writeUInt32BE(chosen & everything, 8)
  return packet('O', numbers, more)
}

export const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Listens on a free port, or at a path. What has no script is answered with `continue`. */
export const scriptedFilter = async (scripts: Scripts = {}, path?: string): Promise<ScriptedFilter> => {
  const seen: Seen[] = []
  const sockets: Socket[] = []
  const counts = new Map<string, number>()
  const answer = async (request: Seen): Promise<Said> => {
    const nth = counts.get(request.code) ?? 0
    counts.set(request.code, nth + 1)
    const script = Object.hasOwn(scripts, request.code) ? scripts[request.code] : usual(request.code)
    if (typeof script === 'function') return await script(request, nth)
    return isList(script) ? script[nth] : script
  }
  const server = createServer((socket) => {
    sockets.push(socket)
    void converse(socket, seen, answer).catch(() => socket.destroy())
  })
  server.listen(path ?? { port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const ofCode = (code: string) => seen.findLast((each) => each.code === code)
  return {
    port: path ? 0 : (server.address() as AddressInfo).port,
    seen,
    sockets,
    codes: () =>
      seen
        .map(({ code }) => code)
        .filter((code) => code !== 'D')
        .join('')
        .replace(/(.)\1+/g, '$1'),
    texts: (code) => textsOf(ofCode(code)?.data ?? Buffer.alloc(0)),
    symbols(code) {
      const told = seen.findLast((each) => each.code === 'D' && each.data.toString('latin1', 0, 1) === code)
      const texts = told ? textsOf(told.data.subarray(1)) : []
      const pairs = texts.flatMap((name, at) => (at % 2 === 0 ? [[name, texts[at + 1] ?? ''] as const] : []))
      return Object.fromEntries(pairs)
    },
    async closed() {
      for (const socket of sockets) if (!socket.closed) await once(socket, 'close')
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const usual = (code: string): Said => (code === 'O' ? options() : commands.includes(code) ? carryOn : undefined)

const isList = (script: Script): script is readonly Said[] => Array.isArray(script)

const textsOf = (data: Buffer): readonly string[] => data.toString().replace(/\0$/, '').split('\0')

const converse = async (socket: Socket, seen: Seen[], answer: (request: Seen) => Promise<Said>): Promise<void> => {
  let input = Buffer.alloc(0)
  socket.on('error', () => {})
  for await (const chunk of socket) {
    input = Buffer.concat([input, chunk as Buffer])
    while (input.length >= 4 && input.length >= 4 + input.readUInt32BE()) {
      const end = 4 + input.readUInt32BE()
      const request = { code: input.toString('latin1', 4, 5), data: Buffer.from(input.subarray(5, end)) }
      input = input.subarray(end)
      seen.push(request)
      const said = await answer(request)
      if (said) socket.write(said)
    }
  }
}
