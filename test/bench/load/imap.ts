import { fileURLToPath } from 'node:url'
import { answer, inChild, quantile } from './child.ts'
import { ImapClient } from './imap_client.ts'

export interface ImapLoad {
  readonly port: number
  readonly user: string
  readonly password: string
  /** How many of the random reads there are, and at most of the STORE commands. */
  readonly reads: number
}

/** How long one thing took. */
export interface Timing {
  readonly what: string
  readonly milliseconds: number
  /** What there was of it in that time: messages, commands. */
  readonly count: number
  /** With many commands, the time that one in a hundred exceeded; milliseconds. */
  readonly p99?: number
}

/** Times what clients do with the INBOX of an account, from a process of its own. */
export const imapLoad = (load: ImapLoad): Promise<Timing[]> => inChild(fileURLToPath(import.meta.url), load)

/** Commands on all messages at once. */
const whole = (messages: number): readonly string[] => [
  'FETCH 1:* (FLAGS)',
  'FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)',
  'FETCH 1:* (ENVELOPE)',
  `FETCH ${Math.max(1, messages - 49)}:* (UID FLAGS ENVELOPE BODYSTRUCTURE)`,
  'STATUS INBOX (MESSAGES UNSEEN UIDNEXT)',
  'UID SEARCH UNSEEN',
  'UID SEARCH FROM sender@example.org',
  'UID SEARCH FROM nobody',
  'UID SEARCH SUBJECT nothing-like-it',
  'UID SEARCH TEXT nothing-like-it',
  'STORE 1:* +FLAGS.SILENT (\\Flagged)',
  'STORE 1:* -FLAGS.SILENT (\\Flagged)',
]

const measure = async ({ port, user, password, reads }: ImapLoad): Promise<Timing[]> => {
  using client = await ImapClient.login(port, { user, password, patience: 600_000 })
  const timings: Timing[] = []
  const time = async (what: string, count: number, work: () => Promise<unknown>): Promise<void> => {
    const start = performance.now()
    await work()
    timings.push({ what, count, milliseconds: performance.now() - start })
  }
  let messages = 0
  await time('SELECT INBOX', 1, async () => {
    for (const { text } of await client.ok('SELECT INBOX'))
      messages = Number(/^\* (\d+) EXISTS/.exec(text)?.[1] ?? messages)
  })
  await time('SELECT INBOX again', 1, () => client.ok('SELECT INBOX'))
  for (const command of whole(messages)) await time(command, messages, () => client.ok(command))

  const one = async (what: string, command: (message: number) => string) => {
    const latencies: number[] = []
    const start = performance.now()
    for (let count = 0; count < reads; count++) {
      const message = 1 + ((count * 7919) % messages) // a prime: all over the mailbox
      const begun = performance.now()
      await client.ok(command(message))
      latencies.push(performance.now() - begun)
    }
    const milliseconds = performance.now() - start
    timings.push({ what, count: reads, milliseconds, p99: quantile(latencies, 0.99) })
  }
  await one('FETCH n BODY.PEEK[], one by one', (message) => `FETCH ${message} BODY.PEEK[]`)
  await one('STORE n +FLAGS, one by one', (message) => `STORE ${message} +FLAGS (\\Seen)`)
  return timings
}

if (import.meta.main) await answer(measure)
