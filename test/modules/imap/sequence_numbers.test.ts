import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { imapServer } from '../../support/imap_server.ts'
import type { ImapWire } from '../../support/imap_wire.ts'

/** A client that knows of its mailbox only what it has been told: UIDs it asks for when EXISTS grows, flags by FETCH. */
class Model {
  readonly #wire: ImapWire
  /** By sequence number, less one. Undefined is a message whose UID it does not know yet. */
  readonly messages: { uid: number | undefined; flags: string | undefined }[] = []

  constructor(wire: ImapWire) {
    this.#wire = wire
  }

  async command(text: string): Promise<void> {
    for (const line of await this.#wire.command(text)) this.#take(line, text)
    await this.#learn()
  }

  #take(line: string, command: string): void {
    const [, number, what = '', rest = ''] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)(.*)$/s.exec(line) ?? []
    const sequence = Number(number)
    if (what === 'EXISTS') {
      assert.ok(sequence >= this.messages.length, 'EXISTS never takes anything away')
      while (this.messages.length < sequence) this.messages.push({ uid: undefined, flags: undefined })
    } else if (what === 'EXPUNGE') {
      assert.doesNotMatch(command, /^(FETCH|STORE|SEARCH|COPY)/, 'EXPUNGE where it may not be')
      assert.ok(sequence <= this.messages.length, 'EXPUNGE of what is there')
      this.messages.splice(sequence - 1, 1)
    } else if (what === 'FETCH') {
      const message = this.messages[sequence - 1]
      assert.ok(message, 'FETCH of what is there')
      const uid = Number(/UID (\d+)/.exec(rest)?.[1])
      if (message.uid !== undefined && uid) assert.equal(uid, message.uid, 'the number stands for the same message')
      message.uid ??= uid || undefined
      message.flags = /FLAGS \(([^)]*)\)/.exec(rest)?.[1] ?? message.flags
    }
  }

  /** Asks for messages that were announced. */
  async #learn(): Promise<void> {
    const first = this.messages.findIndex(({ uid }) => uid === undefined)
    if (first < 0) return
    for (const line of await this.#wire.command(`FETCH ${first + 1}:* (UID FLAGS)`)) this.#take(line, 'FETCH')
    // One that is gone already keeps its number until EXPUNGE, and no UID.
  }

  /** What it believes, as FETCH would say it; \Recent aside. */
  get belief(): string[] {
    return this.messages.map(({ uid, flags }) => `${uid} ${normal(flags)}`)
  }
}

const normal = (flags = ''): string =>
  flags
    .split(' ')
    .filter((flag) => flag !== '' && flag !== '\\Recent')
    .toSorted()
    .join(' ')

const message = 'a: b\r\n\r\n'

/** One step of one session: `at` picks a message by its place. */
const step = fc.record({
  who: fc.nat({ max: 2 }),
  what: fc.constantFrom(
    'append', 'append', 'flag', 'flag', 'silent', 'replace', 'delete', 'delete', 'expunge', 'uidExpunge', 'copy', 'move', 'noop',
    'fetch', 'search', 'uidSearch', 'body', 'examine',
  ), // biome-ignore format: a list of words
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
})

const commandOf = (what: string, at: number, count: number): string => {
  const sequence = 1 + Math.floor(at * Math.max(1, count))
  if (count === 0 && !['append', 'expunge', 'noop', 'search', 'uidSearch'].includes(what)) return 'NOOP'
  switch (what) {
    case 'append':
      return `APPEND INBOX {${message.length}+}\r\n${message}`
    case 'flag':
      return `STORE ${sequence} +FLAGS (\\Flagged k${Math.floor(at * 5)})`
    case 'silent':
      return `UID STORE ${sequence}:* -FLAGS.SILENT (\\Flagged)`
    case 'replace':
      return `STORE ${sequence}:* FLAGS (\\Draft)`
    case 'delete':
      return `STORE ${sequence} +FLAGS (\\Deleted)`
    case 'expunge':
      return 'EXPUNGE'
    case 'uidExpunge':
      return `UID EXPUNGE 1:${sequence * 2}`
    case 'copy':
      return `COPY ${sequence} INBOX`
    case 'move':
      return `MOVE ${sequence} INBOX`
    case 'fetch':
      return `FETCH ${sequence}:* (UID FLAGS)`
    case 'body':
      return `UID FETCH ${sequence} (BODY[])`
    case 'search':
      return 'SEARCH UNDELETED'
    case 'uidSearch':
      return 'UID SEARCH FLAGGED'
    default:
      return 'NOOP'
  }
}

test('what clients are told always adds up to what there is', { timeout: 120_000 }, async () => {
  await using server = await imapServer()
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), fc.boolean(), async (steps, together) => {
      await using stack = new AsyncDisposableStack()
      const user = `user${round++}`
      const models: Model[] = []
      for (let number = 0; number < 3; number++) {
        const wire = stack.use(await server.logIn(user))
        const model = new Model(wire)
        await model.command('SELECT INBOX')
        models.push(model)
      }
      // Silent changes are the session's own to remember: that session asks again.
      const run = async ({ who, what, at }: { who: number; what: string; at: number }) => {
        const model = models[who] as Model
        await model.command(commandOf(what, at, model.messages.length))
        if (what === 'silent' && model.messages.length > 0) await model.command('FETCH 1:* (UID FLAGS)')
      }
      if (together) {
        await Promise.all(
          [0, 1, 2].map(async (who) => {
            for (const each of steps.filter((one) => one.who === who)) await run(each)
          }),
        )
      } else for (const each of steps) await run(each)
      for (const model of models) await model.command('NOOP')
      const account = await server.storage.open(user)
      const mailbox = stack.use(await account.select('INBOX', { readOnly: true }))
      const truth: string[] = []
      for await (const { uid, flags } of mailbox.messages([{ first: 1, last: 2 ** 32 }], {})) {
        truth.push(`${uid} ${normal(flags.join(' '))}`)
      }
      for (const model of models) assert.deepEqual(model.belief, truth)
    }),
    { numRuns: 40, seed: 7 },
  )
})
