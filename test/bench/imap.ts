import { connect } from 'node:net'
import { memoryBody } from '../../core/kit/message/body.ts'
import { imapServer } from '../support/imap_server.ts'

/** How many messages the mailbox has. */
const count = 100_000

/** Commands on a mailbox whose messages are in memory: what IMAP itself costs, without any storage. */
const commands = [
  'SELECT INBOX',
  'FETCH 1:* (FLAGS)',
  'UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)',
  'FETCH 1:* (ENVELOPE)',
  'FETCH 1:* (BODYSTRUCTURE)',
  'FETCH 1:* (BODY.PEEK[HEADER.FIELDS (FROM SUBJECT DATE)])',
  'FETCH 1:10000 (BODY.PEEK[])',
  'STORE 1:* +FLAGS (\\Flagged)',
  'STORE 1:* -FLAGS.SILENT (\\Flagged)',
  'SEARCH UNSEEN',
  'SEARCH FROM sender77@example.org',
  'SEARCH OR FROM nobody SUBJECT nothing',
  'UID SORT (SUBJECT DATE) UTF-8 ALL',
  'UID THREAD REFERENCES UTF-8 ALL',
]

/** Prints how long each command takes, and how much of that one message is. */
export async function bench(): Promise<void> {
  await using server = await imapServer()
  const account = await server.storage.open('user')
  const messages = Array.from({ length: count }, (_, number) => ({
    content: memoryBody(Buffer.from(messageOf(number))),
    flags: number % 3 === 0 ? [] : ['\\Seen'],
    internalDate: Date.UTC(2026, 0, 1) + number * 60_000,
  }))
  await account.append('INBOX', messages)
  const client = new Client(server.port)
  await client.run('LOGIN user secret')
  for (const command of commands) {
    const started = performance.now()
    const bytes = await client.run(command)
    const milliseconds = performance.now() - started
    const each = ((milliseconds * 1000) / count).toFixed(2)
    console.log(
      `${command.padEnd(60)} ${milliseconds.toFixed(0).padStart(6)} ms ${each.padStart(7)} µs ${(bytes / 1e6).toFixed(1).padStart(6)} MB`,
    )
  }
  await client.run('LOGOUT')
}

const messageOf = (number: number): string =>
  [
    `From: "Sender ${number % 100}" <sender${number % 100}@example.org>`,
    'To: recipient@example.net',
    `Subject: ${number % 4 === 0 ? 'Re: ' : ''}message about topic ${number % 1000}`,
    `Date: ${1 + (number % 28)} Mar 2026 10:00:00 +0000`,
    `Message-ID: <${number}@example.org>`,
    ...(number > 0 && number % 4 === 0 ? [`References: <${number - 1}@example.org>`] : []),
    'Content-Type: text/plain; charset=utf-8',
    '',
    'A line of text that is neither long nor short.\r\n'.repeat(10),
  ].join('\r\n')

/** Counts what comes, and looks for nothing but the end. */
class Client {
  readonly #socket
  #bytes = 0
  #tail = ''
  #tag = 0
  #done: () => void = () => {}

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('data', (chunk) => {
      this.#bytes += chunk.length
      this.#tail = (this.#tail + chunk.toString('latin1', Math.max(0, chunk.length - 1000))).slice(-1000)
      if (new RegExp(`(^|\r\n)t${this.#tag} OK[^\r\n]*\r\n$`).test(this.#tail)) this.#done()
    })
  }

  /** Resolves to the number of bytes in the answer. */
  async run(command: string): Promise<number> {
    this.#bytes = 0
    this.#tag++
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#done = resolve
    this.#socket.write(`t${this.#tag} ${command}\r\n`)
    await promise
    return this.#bytes
  }
}

if (import.meta.main) await bench()
