import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accounts } from '../../../core/index.ts'
import { generateKey, recordOf, signMessage } from '../../../core/kit/dkim/index.ts'
import type { Zone } from '../../../core/kit/dns/index.ts'
import { zone } from '../../../core/kit/dns/index.ts'
import { bytesOf, memoryBody } from '../../../core/kit/message/body.ts'
import { parseHeader } from '../../../core/kit/message/header.ts'
import { serve } from '../../support/server.ts'
import { dial } from '../../support/wire.ts'

interface Sent {
  /** In the block of the endpoint. */
  readonly conf: string
  readonly dns: Zone
  readonly from?: string
  readonly header?: readonly string[]
}

interface Outcome {
  /** The first reply that is a refusal, or the last. */
  readonly reply: string
  readonly mailbox?: string
  /** The value of Authentication-Results. */
  readonly results?: string
}

/** Sends one message from 127.0.0.1, which greets as h.test, to a server with mailboxes, and looks where it went. */
const send = async ({
  conf,
  dns,
  from = 'a@ex.test',
  header = ['From: a@ex.test', 'Subject: hello'],
}: Sent): Promise<Outcome> => {
  await using server = await serve(
    `
    storage.imapsql local {
      driver sqlite3
      dsn imapsql.db
    }
    smtp tcp://127.0.0.1:0 {
      hostname mx.example.org
      tls off
      defer_sender_reject no
      ${conf}
      deliver_to &local
    }`,
    { dns: zone(dns) },
  )
  const accounts = await server.find('local', Accounts)
  await accounts.create('u@example.org', [{ name: 'Junk', specialUse: '\\Junk' }])
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO h.test', '250 *')
  const content = [...header, '', 'Hello', '.'].join('\r\n')
  let reply = ''
  for (const line of [`MAIL FROM:<${from}>`, 'RCPT TO:<u@example.org>', 'DATA', content]) {
    reply = await client.command(line, '*')
    if (/^[45]/.test(reply)) return { reply }
  }
  const account = await accounts.find('u@example.org')
  assert.ok(account)
  for (const { name } of await account.mailboxes()) {
    await using mailbox = await account.select(name, { readOnly: true })
    const [uid] = await mailbox.find({})
    if (uid === undefined) continue
    const text = (await bytesOf(await mailbox.content(uid))).toString().replace(/\r\n[ \t]/g, ' ')
    const [, results] = /^Authentication-Results: (.*)\r$/m.exec(text) ?? []
    return { reply, mailbox: name, ...(results !== undefined && { results }) }
  }
  return { reply }
}

const block = (...lines: string[]): string => `check {\n${lines.join('\n')}\n}`
const spf = block('spf')
const rejecting = block('spf {', 'fail_action reject', '}')
const both = `dmarc yes\n${block('spf {', 'fail_action ignore', '}', 'dkim')}`
const deny: Zone = { 'ex.test': { TXT: ['v=spf1 -all'] } }
const policy = (record: string, domain = 'ex.test'): Zone => ({ [`_dmarc.${domain}`]: { TXT: [record] } })

test('mail that SPF fails goes to Junk, and its result is in the header', async () => {
  const { mailbox, results } = await send({ conf: spf, dns: deny })
  assert.equal(mailbox, 'Junk')
  assert.equal(results, 'mx.example.org; spf=fail smtp.helo=h.test smtp.mailfrom=ex.test')
})

test('mail that SPF passes goes to INBOX', async () => {
  const { mailbox, results } = await send({ conf: spf, dns: { 'ex.test': { TXT: ['v=spf1 ip4:127.0.0.1 -all'] } } })
  assert.equal(mailbox, 'INBOX')
  assert.equal(results, 'mx.example.org; spf=pass smtp.helo=h.test smtp.mailfrom=ex.test')
})

test('mail that SPF fails is taken where the author has a policy, though nothing applies it', async () => {
  const { mailbox, results } = await send({ conf: rejecting, dns: { ...deny, ...policy('v=DMARC1; p=reject') } })
  assert.equal(mailbox, 'INBOX')
  assert.match(results ?? '', /spf=fail/)
})

test('mail that SPF fails is refused where the author is in a subdomain whose policy is none', async () => {
  const { reply } = await send({
    conf: rejecting,
    dns: { ...deny, ...policy('v=DMARC1; p=reject; sp=none') },
    header: ['From: a@sub.ex.test'],
  })
  assert.match(reply, /^550 5\.7\.23 SPF authentication failed \(msg ID = [0-9a-f]{8}\)/)
})

test('mail that SPF fails is refused where the policy of the author cannot be had', async () => {
  const { reply } = await send({ conf: rejecting, dns: { ...deny, '_dmarc.ex.test': { fails: 'SERVFAIL' } } })
  assert.match(reply, /^550 5\.7\.23 /)
})

test('with enforce_early MAIL itself is refused', async () => {
  await using server = await serve(
    `
    smtp tcp://127.0.0.1:0 {
      hostname mx.example.org
      tls off
      defer_sender_reject no
      ${block('spf {', 'enforce_early yes', 'fail_action reject', '}')}
      deliver_to dummy
    }`,
    { dns: zone(deny) },
  )
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO h.test', '250 *')
  await client.command('MAIL FROM:<a@ex.test>', '550 5.7.23 SPF authentication failed *')
  await client.command('MAIL FROM:<a@other.test>', '250 *')
})

test('a bounce is judged by the greeting, and the result names no sender', async () => {
  const { mailbox, results } = await send({ conf: spf, from: '', dns: { 'h.test': { TXT: ['v=spf1 -all'] } } })
  assert.equal(mailbox, 'Junk')
  assert.equal(results, 'mx.example.org; spf=fail smtp.helo=h.test')
})

test('a record with an error after the term that matches is a permanent error, which is taken', async () => {
  const { mailbox, results } = await send({ conf: spf, dns: { 'ex.test': { TXT: ['v=spf1 ip4:127.0.0.1 bogus'] } } })
  assert.equal(mailbox, 'INBOX')
  assert.match(results ?? '', /; spf=permerror reason="Unknown mechanism \\"bogus\\""/)
})

test('a record with an unknown modifier is read without it', async () => {
  const { results } = await send({ conf: spf, dns: { 'ex.test': { TXT: ['v=spf1 color=red ip4:127.0.0.1'] } } })
  assert.match(results ?? '', /; spf=pass /)
})

test('mail that nobody vouches for is refused where its author says so', async () => {
  const { reply } = await send({ conf: both, dns: { ...deny, ...policy('v=DMARC1; p=reject') } })
  assert.match(reply, /^550 5\.7\.1 DMARC check failed \(msg ID = [0-9a-f]{8}\)/)
})

test('mail that nobody vouches for goes to Junk where its author says so', async () => {
  const { mailbox, results } = await send({ conf: both, dns: { ...deny, ...policy('v=DMARC1; p=quarantine') } })
  assert.equal(mailbox, 'Junk')
  assert.match(results ?? '', /; dmarc=fail reason="No aligned identifiers" header\.from=ex\.test$/)
})

test('mail that SPF vouches for passes DMARC', async () => {
  const dns = { 'ex.test': { TXT: ['v=spf1 ip4:127.0.0.1 -all'] }, ...policy('v=DMARC1; p=reject') }
  const { mailbox, results } = await send({ conf: both, dns })
  assert.equal(mailbox, 'INBOX')
  assert.match(results ?? '', /; dmarc=pass header\.from=ex\.test$/)
})

/** A signed message of an author at mail.ex.test, and the key in DNS. */
const signed = async (domain: string) => {
  const key = await generateKey('ed25519')
  const header = ['From: a@mail.ex.test', 'Subject: hello']
  const fields = { oversign: [], sign: ['From', 'Subject'] }
  const field = await signMessage(
    { header: parseHeader(Buffer.from(`${header.join('\r\n')}\r\n`)), body: memoryBody(Buffer.from('Hello\r\n')) },
    { domain, selector: 's', key, fields, header: 'relaxed', body: 'relaxed', expiry: 0 },
  )
  return { header: [field.trimEnd(), ...header], dns: { [`s._domainkey.${domain}`]: { TXT: [recordOf(key)] } } }
}

test('a signature of a domain beside that of the author passes DMARC', async () => {
  const { header, dns } = await signed('sub.ex.test')
  const sent = await send({ conf: both, header, dns: { ...deny, ...dns, ...policy('v=DMARC1; p=quarantine') } })
  assert.equal(sent.mailbox, 'INBOX')
  assert.match(sent.results ?? '', /; dkim=pass .*; dmarc=pass /)
})

test('a signature of a domain beside that of the author does not pass DMARC where alignment is strict', async () => {
  const { header, dns } = await signed('sub.ex.test')
  const sent = await send({
    conf: both,
    header,
    dns: { ...deny, ...dns, ...policy('v=DMARC1; p=quarantine; adkim=s') },
  })
  assert.equal(sent.mailbox, 'Junk')
  assert.match(sent.results ?? '', /; dkim=pass .*; dmarc=fail /)
})

test('the policy of an organisation for its subdomains may be none, and the failure is told', async () => {
  const { mailbox, results } = await send({
    conf: both,
    dns: { ...deny, ...policy('v=DMARC1; p=reject; sp=none') },
    header: ['From: a@sub.ex.test'],
  })
  assert.equal(mailbox, 'INBOX')
  assert.match(results ?? '', /; dmarc=fail /)
})

test('an unrelated text does not hide the policy of the organisation', async () => {
  const dns = { ...deny, ...policy('v=DMARC1; p=reject'), ...policy('unrelated', 'sub.ex.test') }
  const { reply } = await send({ conf: both, dns, header: ['From: a@sub.ex.test'] })
  assert.match(reply, /^550 5\.7\.1 /)
})

test('pct is of no effect, and t=y makes the policy milder', async () => {
  const { reply } = await send({ conf: both, dns: { ...deny, ...policy('v=DMARC1; p=reject; pct=0') } })
  assert.match(reply, /^550 5\.7\.1 /)
  const { mailbox } = await send({ conf: both, dns: { ...deny, ...policy('v=DMARC1; p=reject; t=y') } })
  assert.equal(mailbox, 'Junk')
})

test('without a check of DKIM nothing is judged by DMARC', async () => {
  const conf = `dmarc yes\n${block('spf {', 'fail_action ignore', '}')}`
  const { mailbox, results } = await send({ conf, dns: { ...deny, ...policy('v=DMARC1; p=reject') } })
  assert.equal(mailbox, 'INBOX')
  assert.match(results ?? '', /; dmarc=none reason="Not enough information \(required checks are disabled\)"/)
})

test('mail whose policy DNS does not tell is deferred', async () => {
  const { reply } = await send({ conf: `dmarc yes\n${spf}`, dns: { '_dmarc.ex.test': { fails: 'SERVFAIL' } } })
  assert.match(reply, /^450 4\.7\.1 DMARC check failed /)
})

test('mail with two From fields has no author, and is taken', async () => {
  const { mailbox, results } = await send({
    conf: `dmarc yes\n${spf}`,
    dns: policy('v=DMARC1; p=reject'),
    header: ['From: a@ex.test', 'From: b@ex.test'],
  })
  assert.equal(mailbox, 'INBOX')
  assert.match(results ?? '', /; dmarc=permerror reason="[^"]*multiple From header fields are not allowed"$/)
})

test('without dmarc there is no result of it', async () => {
  const { mailbox, results } = await send({ conf: spf, dns: policy('v=DMARC1; p=reject') })
  assert.equal(mailbox, 'INBOX')
  assert.doesNotMatch(results ?? '', /dmarc/)
})
