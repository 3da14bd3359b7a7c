import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { type Receiver, SmtpServer } from '../../core/kit/smtp/server/index.ts'

interface Result {
  readonly name: string
  readonly unit: string
  readonly value: number
}

const body = `${'x'.repeat(74)}\r\n`.repeat(13)
const message = `From: <a@h.example>\r\n\r\n${body}.\r\n`

/** Takes everything and keeps nothing. */
const discard: Receiver = {
  greet() {},
  secured() {},
  authenticate: () => ({ step: async () => ({ username: null }) }),
  authenticated() {},
  mail() {},
  recipient() {},
  async data(content) {
    for await (const _ of content);
    return []
  },
  reset() {},
  close() {},
}

/** One client that sends message after message until told to stop; gives how many were accepted. */
const send = async (port: number, until: number): Promise<number> => {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  const steps = ['EHLO c\r\n', 'MAIL FROM:<a@h.example>\r\n', 'RCPT TO:<b@h.example>\r\n', 'DATA\r\n', message]
  let step = 0
  let accepted = 0
  let input = ''
  socket.on('data', (chunk) => {
    input += chunk.toString('latin1')
    if (!/^\d{3} [^\n]*\n$/m.test(input) || !input.endsWith('\n')) return
    input = ''
    if (step === steps.length) {
      accepted++
      step = 1
      if (performance.now() > until) return void socket.end()
    }
    socket.write(steps[step++] ?? '')
  })
  await once(socket, 'close')
  return accepted
}

/** Messages of 1 KB accepted each second over 1, 10 and 50 connections, and thrown away. The clients run in a thread of their own. */
export const bench = async (seconds = 2): Promise<Result[]> => {
  const smtp = new SmtpServer({
    hostname: 'mx.h.example',
    protocol: 'smtp',
    maxMessageSize: 32 * 1024 ** 2,
    maxRecipients: 20_000,
    maxLineLength: 4000,
    readTimeout: 600_000,
    writeTimeout: 60_000,
    bareNewlines: 'refuse',
  })
  const server = createServer((socket) => void smtp.converse(socket, () => discard))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const results: Result[] = []
  for (const connections of [1, 10, 50]) {
    const worker = new Worker(new URL(import.meta.url), { workerData: { port, connections, seconds } })
    const [accepted] = (await once(worker, 'message')) as [number]
    results.push({ name: `smtp discard, ${connections} connections`, unit: 'messages/s', value: accepted / seconds })
    await worker.terminate()
  }
  server.close()
  return results
}

if (!isMainThread && workerData?.port) {
  const { port, connections, seconds } = workerData as { port: number; connections: number; seconds: number }
  const until = performance.now() + seconds * 1000
  const counts = await Promise.all(Array.from({ length: connections }, () => send(port, until)))
  parentPort?.postMessage(counts.reduce((sum, count) => sum + count, 0))
} else if (process.argv[1] === import.meta.filename) {
  for (const { name, unit, value } of await bench()) console.log(`${name}: ${Math.round(value)} ${unit}`)
}
