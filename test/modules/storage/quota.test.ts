import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import type { Address } from '../../../core/index.ts'
import { SmtpError, StorageError } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { memoryBody } from '../../../core/kit/message/index.ts'
import { account, all, deliver, envelope, open, type SqlStorage, select, simple } from './support.ts'

const full = { name: 'SmtpError', code: 552, enhanced: '5.2.2', message: 'Mailbox quota exceeded' }
const noRoom = { name: 'StorageError', kind: 'over_quota' }

/** A message that takes so many bytes in the mailbox of `b@x.org`. */
const weighing = (bytes: number) => {
  const top = 'Delivered-To: b@x.org\r\nReturn-Path: <sender@example.net>\r\n'.length
  const fields = 'From: a@example.net\r\nTo: b@example.org\r\nSubject: s\r\n\r\n'.length
  return simple('s', 'x'.repeat(bytes - top - fields))
}

const used = async (storage: SqlStorage, name = 'b@x.org'): Promise<number> =>
  (await account(storage, name)).quota().then((quota) => quota.used)

const append = async (storage: SqlStorage, bytes: number, mailbox = 'INBOX') =>
  (await account(storage, 'b@x.org')).append(mailbox, [
    { content: memoryBody(Buffer.alloc(bytes, 'x')), flags: [], internalDate: 0 },
  ])

const made = async (directives?: string) => {
  const opened = await open(directives)
  await opened.storage.create('b@x.org', [{ name: 'other' }])
  return opened
}

test('49 an account exactly at its limit takes a recipient, and no message', async () => {
  await using here = await made()
  await here.storage.setLimit('b@x.org', 500)
  await deliver(here.storage, ['b@x.org'], weighing(500))
  assert.equal(await used(here.storage), 500)
  await using delivery = await here.storage.begin(envelope())
  await delivery.recipient(parseAddress('b@x.org'))
  await assert.rejects(delivery.message(simple('s', '')), full)
})

test('50 an account over its limit takes no recipient', async () => {
  await using here = await made()
  await deliver(here.storage, ['b@x.org'], weighing(501))
  await here.storage.setLimit('b@x.org', 500)
  await using delivery = await here.storage.begin(envelope())
  await assert.rejects(delivery.recipient(parseAddress('b@x.org')), full)
})

test('51 an account whose own limit is 0 has none, whatever its domain has', async () => {
  await using here = await made()
  await here.storage.setDomainLimit('x.org', 100)
  await here.storage.setLimit('b@x.org', 0)
  await deliver(here.storage, ['b@x.org'], weighing(1000))
  await append(here.storage, 1000)
  const usage = await here.storage.usage('b@x.org')
  assert.deepEqual([usage?.usedBytes, usage?.limit, usage?.source], [2000, 0, 'user'])
})

test('52 53 54 without a limit of its own an account has that of its domain', async () => {
  await using here = await made()
  await here.storage.create('c@y.org', [])
  await deliver(here.storage, ['b@x.org'], weighing(1001))
  await here.storage.setDomainLimit('x.org', 1000)
  await assert.rejects(deliver(here.storage, ['b@x.org']), full)
  await deliver(here.storage, ['c@y.org'], weighing(1001))
  assert.deepEqual(
    [await here.storage.usage('b@x.org'), await here.storage.usage('c@y.org')].map((usage) => [
      usage?.limit,
      usage?.source,
    ]),
    [
      [1000, 'domain'],
      [0, 'none'],
    ],
  )
})

test('a limit of the account goes before that of its domain, larger or smaller, until it is taken away', async () => {
  await using here = await made()
  const limit = async () => (await here.storage.usage('b@x.org'))?.limit
  await here.storage.setDomainLimit('x.org', 1000)
  for (const bytes of [500, 2000]) {
    await here.storage.setLimit('b@x.org', bytes)
    assert.equal(await limit(), bytes)
  }
  await here.storage.setLimit('b@x.org', null)
  assert.equal(await limit(), 1000)
})

test('55 names count however they are written: a domain in capitals or in A-labels, an account in capitals', async () => {
  await using here = await made()
  await here.storage.create('u@bücher.example', [])
  await here.db.exec(`INSERT INTO domain_quotas (domain, quota_bytes) VALUES ('X.ORG', 700), ('XN--Bcher-Kva.example', 800);
    INSERT INTO user_quotas (username, quota_bytes) VALUES ('Own@X.org', 900)`)
  await here.storage.create('own@x.org', [])
  const limits = []
  for (const name of ['b@x.org', 'u@bücher.example', 'own@x.org']) limits.push((await here.storage.usage(name))?.limit)
  assert.deepEqual(limits, [700, 800, 900])
  await assert.rejects(deliver(here.storage, ['b@x.org'], weighing(701)), full)
  assert.equal((await here.storage.domainUsage('X.Org')).limit, 700)
  assert.equal((await here.storage.domainUsage('xn--bcher-kva.EXAMPLE')).limit, 800)
})

test('a limit that is set replaces those that others have written under another spelling', async () => {
  await using here = await made()
  await here.db.exec(`INSERT INTO domain_quotas (domain, quota_bytes) VALUES ('X.ORG', 1), ('X.org', 2);
    INSERT INTO user_quotas (username, quota_bytes) VALUES ('B@x.org', 1), ('B@X.ORG', 2)`)
  await here.storage.setDomainLimit('X.Org', 300)
  await here.storage.setLimit('B@x.ORG', 400)
  await here.storage.setLimit('B@x.ORG', 401)
  assert.deepEqual(
    await here.db.rows(
      'SELECT domain, quota_bytes FROM domain_quotas UNION ALL SELECT username, quota_bytes FROM user_quotas',
    ),
    [
      ['x.org', 300],
      ['b@x.org', 401],
    ],
  )
  await here.storage.setLimit('b@x.org', null)
  assert.deepEqual(await here.db.rows('SELECT * FROM user_quotas'), [])
})

test('of several spellings that others have written, the usual one counts', async () => {
  await using here = await made()
  await here.db.exec(`INSERT INTO user_quotas (username, quota_bytes) VALUES ('B@X.ORG', 1), ('b@x.org', 2), ('b@X.ORG', 3);
    INSERT INTO domain_quotas (domain, quota_bytes) VALUES ('X.ORG', 4), ('x.org', 5)`)
  assert.equal((await here.storage.usage('b@x.org'))?.limit, 2)
  const { limit, accounts } = await here.storage.domainUsage('x.org')
  assert.deepEqual([limit, accounts], [5, [{ username: 'b@x.org', usedBytes: 0, own: 2 }]])
})

test('56 an account that is made again has no limit from before', async () => {
  await using here = await made()
  await here.storage.setLimit('b@x.org', 100)
  await here.storage.delete('b@x.org')
  await here.storage.create('b@x.org', [])
  assert.deepEqual(
    [(await here.storage.usage('b@x.org'))?.source, (await here.storage.usage('b@x.org'))?.limit],
    ['none', 0],
  )
  await deliver(here.storage, ['b@x.org'], weighing(200))
})

test('times of quotas are in UTC, and the first stays', async () => {
  await using here = await made()
  const before = new Date().toISOString().slice(0, 19).replace('T', ' ')
  await here.storage.setLimit('b@x.org', 1)
  await here.db.exec("UPDATE user_quotas SET created_at = '2001-01-01 00:00:00', updated_at = '2001-01-01 00:00:00'")
  await here.storage.setLimit('b@x.org', 2)
  const [[created, changed] = []] = await here.db.rows('SELECT created_at, updated_at FROM user_quotas')
  assert.equal(created, '2001-01-01 00:00:00')
  assert.ok(String(changed) >= before, String(changed))
})

test('limits are exact up to what the column holds', async () => {
  await using here = await made()
  for (const bytes of [2 ** 53 - 1, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n]) {
    await here.storage.setLimit('b@x.org', bytes)
    await here.storage.setDomainLimit('y.org', bytes)
    assert.equal((await here.storage.usage('b@x.org'))?.limit, bytes)
    assert.equal((await here.storage.domainUsage('y.org')).limit, bytes)
    assert.equal((await here.storage.domainUsage('x.org')).accounts[0]?.own, bytes)
    assert.equal((await (await account(here.storage, 'b@x.org')).quota()).limit, bytes)
  }
  await deliver(here.storage, ['b@x.org'])
})

test('what is no number of bytes, no account and no domain is refused', async () => {
  await using here = await made()
  for (const bytes of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -1n, 2n ** 63n]) {
    await assert.rejects(here.storage.setLimit('b@x.org', bytes), RangeError)
    await assert.rejects(here.storage.setDomainLimit('x.org', bytes), RangeError)
  }
  for (const bytes of [1, null]) {
    await assert.rejects(here.storage.setLimit('nobody@x.org', bytes), { name: 'StorageError', kind: 'missing' })
  }
  for (const domain of ['', 'a..b', '.x.org']) await assert.rejects(here.storage.setDomainLimit(domain, 1), RangeError)
  assert.equal(await here.storage.usage('nobody@x.org'), undefined)
})

test('what an account keeps is told by mailbox, in the order of their names', async () => {
  await using here = await made()
  await here.storage.setLimit('b@x.org', 5000)
  await deliver(here.storage, ['b@x.org'], weighing(200))
  await append(here.storage, 30, 'other')
  await append(here.storage, 40, 'other')
  assert.deepEqual(await here.storage.usage('B@X.org'), {
    username: 'b@x.org',
    usedBytes: 270,
    limit: 5000,
    source: 'user',
    mailboxes: [
      { name: 'INBOX', messages: 1, usedBytes: 200 },
      { name: 'other', messages: 2, usedBytes: 70 },
    ],
  })
})

test('what a domain keeps is told by account; names that only end or look alike are not of it', async () => {
  await using here = await made()
  for (const name of ['a@x.org', 'c@sub.x.org', 'd@xx.org', 'e@x_org', 'f@y.org', '"g@x.org"@y.org', 'h@x.orgx']) {
    await here.storage.create(name, [])
  }
  await deliver(here.storage, ['b@x.org'], weighing(200))
  await here.storage.setLimit('a@x.org', 0)
  assert.deepEqual(await here.storage.domainUsage('X.ORG'), {
    domain: 'x.org',
    usedBytes: 200,
    limit: 0,
    accounts: [
      { username: 'a@x.org', usedBytes: 0, own: 0 },
      { username: 'b@x.org', usedBytes: 200, own: undefined },
    ],
  })
  const one = async (domain: string) =>
    (await here.storage.domainUsage(domain)).accounts.map(({ username }) => username)
  assert.deepEqual(await one('x_org'), ['e@x_org'])
  assert.deepEqual(await one('%'), [])
  assert.deepEqual(await here.storage.domainUsage('nowhere.example'), {
    domain: 'nowhere.example',
    usedBytes: 0,
    limit: 0,
    accounts: [],
  })
})

test('APPEND stops at the limit, and takes what exactly fits', async () => {
  await using here = await made()
  await here.storage.setLimit('b@x.org', 100)
  await append(here.storage, 60)
  await assert.rejects(append(here.storage, 41), noRoom)
  await append(here.storage, 40)
  await assert.rejects(append(here.storage, 1), noRoom)
  assert.equal(await used(here.storage), 100)
})

test('COPY stops at the limit, all or none; MOVE never does', async () => {
  await using here = await made()
  await append(here.storage, 50)
  await append(here.storage, 50)
  await here.storage.setLimit('b@x.org', 199)
  await using inbox = await select(here.storage, 'b@x.org')
  await assert.rejects(inbox.copy(all, 'other'), noRoom)
  assert.equal(await used(here.storage), 100)
  await inbox.copy([{ first: 1, last: 1 }], 'other')
  await here.storage.setLimit('b@x.org', 1)
  await assert.rejects(inbox.copy([{ first: 1, last: 1 }], 'other'), noRoom)
  assert.deepEqual((await inbox.copy([{ first: 7, last: 9 }], 'other')).target, [])
  assert.deepEqual((await inbox.move(all, 'other')).source, [1, 2])
  assert.equal(await used(here.storage), 150)
})

test('of deliveries and APPENDs at the same time only as many are taken as fit', async () => {
  await using here = await made()
  await here.storage.setLimit('b@x.org', 1500)
  const results = await Promise.allSettled(
    Array.from({ length: 40 }, (_, n) =>
      n % 2 === 0 ? deliver(here.storage, ['b@x.org'], weighing(200)) : append(here.storage, 200),
    ),
  )
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 7)
  for (const result of results) {
    if (result.status === 'fulfilled') continue
    if (result.reason instanceof SmtpError) assert.equal(result.reason.code, 552)
    else assert.ok(result.reason instanceof StorageError && result.reason.kind === 'over_quota', result.reason)
  }
  assert.equal(await used(here.storage), 1400)
})

const begun = async (storage: SqlStorage, recipients: readonly string[], bytes: number) => {
  const delivery = await storage.begin(envelope())
  for (const recipient of recipients) await delivery.recipient(parseAddress(recipient))
  return { delivery, failed: await delivery.message(weighing(bytes)) }
}

test('of two deliveries that fit only singly the second is refused, though both were there before the first ended', async () => {
  for (const store of ['sql', 'fs messages']) {
    await using here = await made(`msg_store ${store}`)
    await here.storage.setLimit('b@x.org', 500)
    const [one, two] = [await begun(here.storage, ['b@x.org'], 300), await begun(here.storage, ['b@x.org'], 300)]
    assert.deepEqual([one.failed.size, two.failed.size], [0, 0])
    const results = await Promise.allSettled([one.delivery.commit(), two.delivery.commit()])
    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    const reason = results.find((result) => result.status === 'rejected')?.reason
    assert.deepEqual([reason.code, reason.enhanced, reason.message], [552, '5.2.2', 'Mailbox quota exceeded'])
    assert.equal(await used(here.storage), 300)
  }
})

test('one of several that became full just now defers the message for all: nobody has got it, none is to get it twice', async () => {
  await using here = await made()
  await here.storage.create('c@x.org', [])
  await here.storage.setLimit('b@x.org', 500)
  const { delivery, failed } = await begun(here.storage, ['b@x.org', 'c@x.org'], 300)
  assert.equal(failed.size, 0)
  await append(here.storage, 250)
  await assert.rejects(delivery.commit(), { code: 452, enhanced: '4.2.2' })
  assert.deepEqual([await used(here.storage), await used(here.storage, 'c@x.org')], [250, 0])
  const again = await begun(here.storage, ['b@x.org', 'c@x.org'], 300)
  assert.deepEqual(
    [...again.failed.values()].map(({ code }) => code),
    [552],
  )
  await again.delivery.commit()
  assert.deepEqual([await used(here.storage), await used(here.storage, 'c@x.org')], [250, 300])
})

test('a limit set after RCPT holds for the message', async () => {
  await using here = await made()
  const { delivery } = await begun(here.storage, ['b@x.org'], 300)
  await here.storage.setLimit('b@x.org', 299)
  await assert.rejects(delivery.commit(), full)
  assert.equal(await used(here.storage), 0)
})

test('all addresses that led to a full account fail, and the others get the message', async () => {
  const map = ['one@x.org', 'two@x.org'].map((alias) => `entry ${alias} b@x.org`).join('\n')
  await using here = await made(`msg_store sql\ndelivery_map static {\n${map}\nentry c@x.org c@x.org\n}`)
  await here.storage.create('c@x.org', [])
  await here.storage.setLimit('b@x.org', 100)
  await using delivery = await here.storage.begin(envelope())
  const [one, two, other] = ['one@x.org', 'two@x.org', 'c@x.org'].map((each) => parseAddress(each)) as Address[]
  for (const each of [one, two, other]) await delivery.recipient(each as Address)
  const failed = await delivery.message(weighing(200))
  assert.deepEqual([...failed.keys()], [one, two])
  for (const error of failed.values()) assert.deepEqual([error.code, error.enhanced], [552, '5.2.2'])
  await delivery.commit()
  assert.deepEqual([await used(here.storage), await used(here.storage, 'c@x.org')], [0, 200])
})

test('filters of a full account are not run', async () => {
  await using here = await open('msg_store sql\nimap_filter {\n command touch ran_for_{account_name}\n}')
  for (const name of ['b@x.org', 'c@x.org']) await here.storage.create(name, [])
  await here.storage.setLimit('b@x.org', 10)
  const { delivery } = await begun(here.storage, ['b@x.org', 'c@x.org'], 200)
  await delivery.commit()
  const ran = (await readdir(here.directory)).filter((name) => name.startsWith('ran_for_'))
  assert.deepEqual(ran, ['ran_for_c@x.org'])
})

test('the size is that of what is stored, with the fields put on top', async () => {
  await using here = await made()
  await here.storage.setLimit('b@x.org', 400)
  await assert.rejects(deliver(here.storage, ['b@x.org'], weighing(401)), full)
  await deliver(here.storage, ['b@x.org'], weighing(400))
  const { size } = await (await account(here.storage, 'b@x.org')).status('INBOX')
  assert.deepEqual([size, await used(here.storage)], [400, 400])
})

test('quarantined mail counts and is limited too', async () => {
  await using here = await made()
  await here.storage.setLimit('b@x.org', 300)
  await assert.rejects(deliver(here.storage, ['b@x.org'], { ...weighing(301), quarantined: true }), full)
  await deliver(here.storage, ['b@x.org'], { ...weighing(300), quarantined: true })
  assert.equal(await used(here.storage), 300)
})

test('bodies that found no room are not left behind', async () => {
  await using here = await made('')
  await here.storage.setLimit('b@x.org', 500)
  const [one, two] = [await begun(here.storage, ['b@x.org'], 300), await begun(here.storage, ['b@x.org'], 300)]
  await Promise.allSettled([one.delivery.commit(), two.delivery.commit()])
  assert.equal((await readdir(`${here.directory}/messages`)).length, 1)
})
