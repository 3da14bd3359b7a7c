import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ImapAnswer, ImapClient } from '../bench/load/imap_client.ts'
import { SmtpClient } from '../bench/load/smtp_client.ts'
import { folder as newFolder } from '../support/process.ts'
import { RunningServer } from './running_server.ts'
import { login, mailServer, messageOf, seeded, user } from './support.ts'

const sessions = 6
const commands = 250

/** During these no EXPUNGE may come, since their numbers would change under them (RFC 9051 §7.5.1). */
const keepsNumbers = /^(?:FETCH|STORE|SEARCH) /

interface Known {
  uid?: number
  flags?: string
}

const sorted = (flags: string): string =>
  flags
    .split(' ')
    .filter((flag) => flag !== '' && flag !== '\\Recent')
    .sort()
    .join(' ')

/** One client's picture of the mailbox, made of nothing but what it has been told. */
class Picture {
  readonly client: ImapClient
  readonly messages: Known[] = []

  constructor(client: ImapClient) {
    this.client = client
  }

  async command(command: string): Promise<ImapAnswer> {
    const answer = await this.client.command(command)
    for (const { text } of answer.untagged) this.#hear(text, command)
    assert.notEqual(answer.status, 'BAD', `${command}: ${answer.text}`)
    return answer
  }

  #hear(text: string, command: string): void {
    const [, digits = '', what = '', rest = ''] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)(.*)$/.exec(text) ?? []
    const number = Number(digits)
    if (what === 'EXISTS') {
      assert.ok(number >= this.messages.length, `${text} after ${this.messages.length}, during ${command}`)
      while (this.messages.length < number) this.messages.push({})
    }
    if (what !== 'EXPUNGE' && what !== 'FETCH') return
    const known = this.messages[number - 1]
    assert.ok(known, `${text} of ${this.messages.length} messages, during ${command}`)
    if (what === 'EXPUNGE') {
      assert.doesNotMatch(command, keepsNumbers, text)
      this.messages.splice(number - 1, 1)
      return
    }
    const [, uid] = /\bUID (\d+)/.exec(rest) ?? []
    const [, flags] = /\bFLAGS \(([^)]*)\)/.exec(rest) ?? []
    if (uid) {
      assert.equal(known.uid ?? Number(uid), Number(uid), `message ${number} has another UID, during ${command}`)
      known.uid = Number(uid)
    }
    if (flags !== undefined) known.flags = sorted(flags)
  }

  async refresh(): Promise<void> {
    await this.command('NOOP')
    if (this.messages.length > 0) await this.command('FETCH 1:* (UID FLAGS)')
  }
}

const flags = ['\\Seen', '\\Flagged', '\\Deleted', '$Later', '\\Answered']

/** Some command that any client might send. */
const anyCommand = (random: () => number, count: number, id: string): string => {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const message = 1 + Math.floor(random() * Math.max(1, count))
  const set = random() < 0.5 ? `${message}` : `${message}:${Math.min(count, message + 3)}`
  const content = messageOf(id, 300)
  const choices = [
    `APPEND INBOX (${pick(flags)}) {${content.length}+}\r\n${content}`,
    'NOOP',
    ...(count === 0
      ? []
      : [
          `STORE ${set} ${pick(['+FLAGS', '-FLAGS', 'FLAGS'])} (${pick(flags)})`,
          `FETCH ${set} (UID FLAGS RFC822.SIZE)`,
          `FETCH ${set} (UID BODY[])`,
          `SEARCH ${pick(['UNSEEN', 'FLAGGED', 'ALL', 'KEYWORD $Later'])}`,
          `COPY ${set} INBOX`,
          `COPY ${set} Other`,
          `MOVE ${message} Other`,
          pick(['EXPUNGE', 'NOOP', 'CHECK']),
        ]),
  ]
  return pick(choices)
}

for (const seed of [1, 2]) {
  test(`${sessions} sessions and the senders change one mailbox at once, and all see the same in the end (${seed})`, async () => {
    await using folder = await newFolder()
    await using server = await RunningServer.start(folder.path, mailServer())
    const [smtp = 0, imap = 0] = await server.ports()
    using held = new DisposableStack()
    const pictures: Picture[] = []
    for (let number = 0; number < sessions; number++) {
      const client = held.use(await login(imap))
      const picture = new Picture(client)
      await picture.command(number === 0 ? 'CREATE Other' : 'NOOP')
      await picture.command('SELECT INBOX')
      pictures.push(picture)
    }

    const work = pictures.map(async (picture, number) => {
      const random = seeded(seed * 100 + number)
      for (let count = 0; count < commands; count++) {
        await picture.command(anyCommand(random, picture.messages.length, `${seed}.${number}.${count}@many.example`))
      }
    })
    const deliveries = async () => {
      using sender = await SmtpClient.open(smtp)
      await sender.expect('EHLO client.example', 250)
      for (let count = 0; count < commands; count++) {
        await sender.deliver('sender@example.org', user, messageOf(`${seed}.${count}@sender.example`, 300))
      }
    }
    const reloads = async () => {
      for (let count = 0; count < 10; count++) assert.deepEqual(await server.reload(), { ok: true })
    }
    await Promise.all([...work, deliveries(), reloads()])

    // What each has been told by now is the truth, without its having asked.
    for (const picture of pictures) await picture.command('NOOP')
    using witness = await login(imap)
    const truth = new Picture(witness)
    await truth.command('SELECT INBOX')
    await truth.refresh()
    assert.ok(truth.messages.length > 0)
    const uids = truth.messages.map(({ uid }) => uid ?? 0)
    assert.deepEqual(
      uids,
      [...new Set(uids)].sort((a, b) => a - b),
    )
    for (const picture of pictures) {
      assert.equal(picture.messages.length, truth.messages.length)
      for (const [index, known] of picture.messages.entries()) {
        if (known.uid !== undefined) assert.equal(known.uid, truth.messages[index]?.uid)
        if (known.flags !== undefined) assert.equal(known.flags, truth.messages[index]?.flags)
      }
    }
  })
}
