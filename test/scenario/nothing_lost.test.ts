import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ImapClient } from '../bench/load/imap_client.ts'
import { SmtpClient } from '../bench/load/smtp_client.ts'
import { WireClosed } from '../bench/load/wire.ts'
import { folder as newFolder } from '../support/process.ts'
import { RunningServer } from './running_server.ts'
import { dotStuffed, everyMessage, mailServer, messageOf, password, seeded, user } from './support.ts'

/** How many clients send at once. */
const clients = 20

/** What was sent, and what is known of it. */
class Ledger {
  readonly acknowledged = new Map<string, string>()
  /** The end of the connection left open whether the message was taken. */
  readonly uncertain = new Map<string, string>()
  #next = 0
  #awaited: { readonly count: number; readonly resolve: () => void } | undefined

  /** Mostly short messages, some that are longer, and a few that do not stay in memory. */
  draw(): { readonly id: string; readonly content: string } {
    const number = this.#next++
    const id = `${number}@lost.example`
    return { id, content: messageOf(id, number % 150 === 149 ? 1_300_000 : number % 20 === 19 ? 60_000 : 1_000) }
  }

  acknowledge(id: string, content: string): void {
    this.uncertain.delete(id)
    this.acknowledged.set(id, content)
    if (this.#awaited && this.acknowledged.size >= this.#awaited.count) this.#awaited.resolve()
  }

  /** Resolves when that many messages have been acknowledged. */
  reaches(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#awaited = { count, resolve }
    return promise
  }
}

/** Sends one message after the other until the server is gone. Each is tried once. */
const send = async (port: number, ledger: Ledger): Promise<void> => {
  try {
    using client = await SmtpClient.open(port)
    await client.expect('EHLO client.example', 250)
    for (;;) {
      const { id, content } = ledger.draw()
      await client.deliver('sender@example.org', user, dotStuffed(content), () => ledger.uncertain.set(id, content))
      ledger.acknowledge(id, content)
    }
  } catch (error) {
    if (!(error instanceof WireClosed) && !isReset(error)) throw error
  }
}

const isReset = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'ECONNREFUSED')

/** Which UID each message has, as a client sees it that reads only the identities. */
const uids = async (
  port: number,
): Promise<{ readonly validity: string; readonly byId: ReadonlyMap<string, number> }> => {
  using client = await ImapClient.login(port, { user, password })
  const selected = await client.ok('SELECT INBOX')
  const validity = selected.map(({ text }) => /\[UIDVALIDITY (\d+)\]/.exec(text)?.[1]).find(Boolean) ?? ''
  const byId = new Map<string, number>()
  for (const { text, literals } of await client.ok('UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])')) {
    const [, uid] = /\bUID (\d+)/.exec(text) ?? []
    const [, id] = /<([^>]*)>/.exec(literals[0]?.toString('latin1') ?? '') ?? []
    if (uid && id) byId.set(id, Number(uid))
  }
  return { validity, byId }
}

interface Store {
  readonly name: string
  readonly written: string
  readonly kills: number
}

const stores: readonly Store[] = [
  { name: 'in the database', written: 'sql', kills: 12 },
  { name: 'in files', written: 'fs messages', kills: 6 },
]

for (const { name, written, kills } of stores) {
  test(`killed ${kills} times under load, a server with bodies ${name} has every message it acknowledged, once`, async () => {
    await using folder = await newFolder()
    const conf = mailServer({ store: written })
    const random = seeded(kills)
    const ledger = new Ledger()
    let before: Awaited<ReturnType<typeof uids>> | undefined

    for (let life = 0; life < kills; life++) {
      await using server = await RunningServer.start(folder.path, conf)
      const [smtp = 0, imap = 0] = await server.ports()
      const now = await uids(imap) // the first login makes the account
      if (before) {
        assert.equal(now.validity, before.validity)
        for (const [id, uid] of before.byId) assert.equal(now.byId.get(id), uid, `${id} has another UID`)
      }
      before = now
      const enough = ledger.reaches(ledger.acknowledged.size + 1 + Math.floor(random() * 300))
      const sending = Promise.all(Array.from({ length: clients }, () => send(smtp, ledger)))
      await Promise.race([enough, sending])
      await pause(random() * 10)
      await server.kill()
      await sending
      // The next one has something to mend, and may be killed while it does.
      if (life % 3 === 2) await RunningServer.cutShort(folder.path, conf, 100 + random() * 400)
    }

    await using server = await RunningServer.start(folder.path, conf)
    const [, imap = 0] = await server.ports()
    using client = await ImapClient.login(imap, { user, password, mailbox: 'INBOX' })
    const stored = await everyMessage(client)
    const found = new Map(stored.map((each) => [each.id, each]))
    assert.equal(found.size, stored.length, 'a message is there twice')
    assert.equal(new Set(stored.map(({ uid }) => uid)).size, stored.length, 'two messages share a UID')
    for (const [id, content] of ledger.acknowledged)
      assert.ok(found.get(id)?.content === content, `${id} is lost or changed`)
    for (const { id, content, trace } of stored) {
      const sent = ledger.acknowledged.get(id) ?? ledger.uncertain.get(id)
      assert.ok(sent === content, `${id} is not what was sent`)
      assert.match(trace, /^(?:(?:Delivered-To|Return-Path|Received): .*\r\n(?:[ \t].*\r\n)*)+$/)
    }
    assert.equal(await server.stop(), 0)
  })
}
