import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accounts } from '../../../core/index.ts'
import type { Zone } from '../../../core/kit/dns/index.ts'
import { zone } from '../../../core/kit/dns/index.ts'
import { serve } from '../../support/server.ts'
import { dial } from '../../support/wire.ts'
import { all, bytes, select } from '../storage/support.ts'

/** The replies to a message for two recipients, and what the first of them has got, with its folding undone. */
const send = async (dns: Zone) => {
  const conf = `
    storage.imapsql local {
      driver sqlite3
      dsn mail.db
    }
    lmtp tcp://127.0.0.1:0 {
      hostname mx.example.org
      dmarc yes
      check {
        spf {
          fail_action ignore
        }
        dkim
      }
      deliver_to &local
    }`
  await using server = await serve(conf, { dns: zone(dns) })
  const accounts = await server.find('local', Accounts)
  for (const name of ['u@example.org', 'v@example.org'])
    await accounts.create(name, [{ name: 'Junk', specialUse: '\\Junk' }])
  await using client = await dial(server.port('lmtp'))
  await client.expect('220 mx.example.org LMTP Service Ready')
  await client.command('LHLO h.test', '250 *')
  await client.command('MAIL FROM:<a@ex.test>', '250 *')
  await client.command('RCPT TO:<u@example.org>', '250 *')
  await client.command('RCPT TO:<v@example.org>', '250 *')
  await client.command('DATA', '354 *')
  client.send('From: a@ex.test\r\n\r\nHello\r\n.\r\n')
  const replies = [await client.expect('*'), await client.expect('*')]
  const stored: Record<string, string> = {}
  for (const folder of ['INBOX', 'Junk']) {
    await using mailbox = await select(accounts, 'u@example.org', folder)
    for await (const { uid } of mailbox.messages(all, {})) {
      stored[folder] = (await bytes(await mailbox.content(uid))).replace(/\r\n[ \t]+/g, ' ')
    }
  }
  return { replies, stored }
}

const deny: Zone = { 'ex.test': { TXT: ['v=spf1 -all'] } }
const policy = (text: string): Zone => ({ '_dmarc.ex.test': { TXT: [`v=DMARC1; ${text}`] } })

test('results and trace are on top of what comes by LMTP', async () => {
  const { replies, stored } = await send({ 'ex.test': { TXT: ['v=spf1 ip4:127.0.0.1 -all'] }, ...policy('p=reject') })
  assert.deepEqual(replies, ['250 2.0.0 <u@example.org> OK: queued', '250 2.0.0 <v@example.org> OK: queued'])
  assert.match(
    stored.INBOX ?? '',
    /Authentication-Results: mx\.example\.org; spf=pass .*; dkim=none; dmarc=pass header\.from=ex\.test\r\nReceived: from h\.test .* with LMTP id /,
  )
})

test('what DMARC refuses is refused to each recipient by LMTP', async () => {
  const { replies, stored } = await send({ ...deny, ...policy('p=reject') })
  for (const [at, user] of ['u', 'v'].entries()) {
    assert.match(
      replies[at] ?? '',
      new RegExp(`^550 5\\.7\\.1 <${user}@example\\.org> DMARC check failed \\(msg ID = `),
    )
  }
  assert.deepEqual(stored, {})
})

test('what DMARC quarantines goes to Junk by LMTP, too', async () => {
  const { stored } = await send({ ...deny, ...policy('p=quarantine') })
  assert.deepEqual(Object.keys(stored), ['Junk'])
  assert.match(stored.Junk ?? '', /; dmarc=fail /)
})
