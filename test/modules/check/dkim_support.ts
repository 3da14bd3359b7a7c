import assert from 'node:assert/strict'
import { Accounts } from '../../../core/index.ts'
import { type Zone, zone } from '../../../core/kit/dns/memory.ts'
import { bytesOf } from '../../../core/kit/message/index.ts'
import { serve } from '../../support/server.ts'
import { dial } from '../../support/wire.ts'

/** What became of a message. */
export interface Outcome {
  /** To the end of the data. */
  readonly reply: string
  /** The value of Authentication-Results, unfolded. */
  readonly results?: string
  readonly mailbox?: string
}

/** Sends one message to a whole server with mailboxes, and looks where it went. `conf` stands in the block of its endpoint. */
export const deliver = async (conf: string, message: string, dns: Zone): Promise<Outcome> => {
  await using server = await serve(
    `
    storage.imapsql local {
      driver sqlite3
      dsn imapsql.db
    }
    smtp tcp://127.0.0.1:0 {
      hostname mx.example.net
      tls off
      ${conf}
      deliver_to &local
    }`,
    { dns: zone(dns) },
  )
  const accounts = await server.find('local', Accounts)
  await accounts.create('bob@example.net', [{ name: 'Junk', specialUse: '\\Junk' }])
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<ann@example.org>', '250 *')
  await client.command('RCPT TO:<bob@example.net>', '250 *')
  await client.command('DATA', '354 *')
  client.send(message)
  const reply = await client.command('.', '*')
  const account = await accounts.find('bob@example.net')
  assert.ok(account)
  for (const { name } of await account.mailboxes()) {
    await using mailbox = await account.select(name, { readOnly: true })
    const [uid] = await mailbox.find({})
    if (uid === undefined) continue
    const text = (await bytesOf(await mailbox.content(uid))).toString().replace(/\r\n[ \t]+/g, ' ')
    const results = /^Authentication-Results: (.*)\r$/m.exec(text)?.[1]
    return { reply, mailbox: name, ...(results !== undefined && { results }) }
  }
  return { reply }
}

/** A block with these directives, or a bare line without any. */
export const check = (name: string, ...directives: readonly string[]): string =>
  `check {\n${[directives.length > 0 ? `${name} {` : name, ...directives, ...(directives.length > 0 ? ['}'] : [])].join('\n')}\n}`
