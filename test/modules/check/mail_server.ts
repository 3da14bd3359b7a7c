import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Accounts as AccountsType } from '../../../core/index.ts'
import { Accounts } from '../../../core/index.ts'
import { serve } from '../../support/server.ts'
import { dial } from '../../support/wire.ts'
import { all, bytes, select } from '../storage/support.ts'

export interface MailServer extends AsyncDisposable {
  /** Sends a message from a@from.example; the replies to each RCPT and, where one was taken, to the content. */
  send(to?: readonly string[], content?: string): Promise<string[]>
  /** The messages of b@to.example, or another, in a folder. */
  messages(folder: string, user?: string): Promise<string[]>
  log(): Promise<string>
}

/** A whole server with these checks, and the mailboxes of b@to.example and c@to.example. */
export const mailServer = async (checks: string): Promise<MailServer> => {
  await using stack = new AsyncDisposableStack()
  const conf = `
    hostname mx.test
    tls off
    storage.imapsql local {
      driver sqlite3
      dsn mail.db
      msg_store sql
    }
    smtp tcp://127.0.0.1:0 {
      defer_sender_reject no
      check {
        ${checks}
      }
      deliver_to &local
    }`
  const server = stack.use(await serve(conf))
  const storage = await server.find<AccountsType>('local', Accounts)
  for (const user of ['b@to.example', 'c@to.example']) await storage.create(user, [])
  const held = stack.move()
  return {
    async send(to = ['b@to.example'], content = 'Subject: x\r\n\r\nhello\r\n') {
      await using client = await dial(server.port('smtp'))
      await client.expect('220 *')
      await client.command('EHLO client.example', '250 *')
      await client.command('MAIL FROM:<a@from.example>', '250 *')
      const replies: string[] = []
      for (const each of to) replies.push(await client.command(`RCPT TO:<${each}>`, '*'))
      if (!replies.some((reply) => reply.startsWith('250'))) return replies
      await client.command('DATA', '354 *')
      client.send(`${content}.\r\n`)
      return [...replies, await client.expect('*')]
    },
    async messages(folder, user = 'b@to.example') {
      await using box = await select(storage, user, folder).catch(() => undefined as never)
      if (!box) return []
      const uids = (await Array.fromAsync(box.messages(all, {}))).map(({ uid }) => uid)
      return await Promise.all(uids.map(async (uid) => bytes(await box.content(uid))))
    },
    log: () => server.log(),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** A shell script in a folder of its own. */
export const script = async (text: string): Promise<{ readonly file: string } & AsyncDisposable> => {
  const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  const file = join(folder, 'check.sh')
  await writeFile(file, `#!/bin/sh\n${text}\n`, { mode: 0o700 })
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}
