import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { SmtpClient } from '../bench/load/smtp_client.ts'
import { folder as newFolder, tsmaddy } from '../support/process.ts'
import { RunningServer } from './running_server.ts'
import { everyMessage, login, mailServer, messageOf, user } from './support.ts'

interface Mistake {
  readonly title: string
  /** The configuration that is to be refused, and what the refusal says. */
  readonly conf: (good: string, busyPort: number, folder: string) => string
  readonly reason: RegExp
}

const unreachable = `table.sql_table accounts {
  driver postgres
  dsn host=127.0.0.1 port=1 user=nobody dbname=none sslmode=disable
  table_name accounts
}
smtp tcp://127.0.0.1:0 {
  destination_in &accounts {
    deliver_to &local_mailboxes
  }
  default_destination {
    reject
  }
}`

const mistakes: readonly Mistake[] = [
  {
    title: 'a brace that is never closed',
    conf: (good) => `${good}\nsmtp tcp://127.0.0.1:0 {`,
    reason: /tsmaddy\.conf:\d+:\d+: /,
  },
  {
    title: 'a module that does not exist',
    conf: (good) => `${good}\ntable.no_such_thing other { }`,
    reason: /tsmaddy\.conf:\d+:\d+: .*no_such_thing/,
  },
  {
    title: 'an address that another program uses',
    conf: (good, port) => `${good}\nsmtp tcp://127.0.0.1:${port} {\n  deliver_to &local_mailboxes\n}`,
    reason: /cannot listen on tcp:\/\/127\.0\.0\.1:\d+: the address is in use/,
  },
  {
    title: 'a PostgreSQL server that does not answer',
    conf: (good) => `${good}\n${unreachable}`,
    reason: /ECONNREFUSED|refused/,
  },
  {
    title: 'mailboxes in a folder that does not exist',
    conf: (good, _port, folder) => good.replace('dsn imapsql.db', `dsn ${folder}/no/such/folder/imapsql.db`),
    reason: /no\/such\/folder|unable to open/,
  },
]

for (const { title, conf, reason } of mistakes) {
  test(`a reload with ${title} is refused with the reason, and the old configuration serves on`, async () => {
    await using folder = await newFolder()
    const busy = createServer().listen(0, '127.0.0.1')
    using _ = { [Symbol.dispose]: () => busy.close() }
    await once(busy, 'listening')
    const good = mailServer()
    await using server = await RunningServer.start(folder.path, good)
    const ports = await server.ports()
    const [smtp = 0, imap = 0] = ports
    using reader = await login(imap)
    const idle = await reader.idle()
    using sender = await SmtpClient.open(smtp)
    await sender.expect('EHLO client.example', 250)
    const listening = await server.listeningSockets()

    await server.reload(conf(good, (busy.address() as AddressInfo).port, folder.path))
    const { status, stderr } = await tsmaddy(['-config', server.config, 'reload'])
    assert.equal(status, 1, stderr)
    assert.match(stderr, reason)

    await sender.deliver('sender@example.org', user, messageOf('old@reload.example'))
    using newcomer = await SmtpClient.open(smtp)
    await newcomer.expect('EHLO client.example', 250)
    await newcomer.deliver('sender@example.org', user, messageOf('new@reload.example'))
    reader.wire.send('DONE\r\n')
    await reader.end(idle)
    const ids = (await everyMessage(reader)).map(({ id }) => id)
    assert.deepEqual(ids, ['old@reload.example', 'new@reload.example'])
    assert.equal(await server.listeningSockets(), listening)
    assert.deepEqual(await server.ports(), ports)

    assert.deepEqual(await server.reload(good), { ok: true })
  })
}

test('SIGUSR2 reloads, and a refused reload is told in the log', async () => {
  await using folder = await newFolder()
  await using server = await RunningServer.start(folder.path, mailServer())
  server.signal('SIGUSR2')
  await server.logs(/^new server started/m)
  const before = (await server.log()).length
  await server.reload('no_such_directive')
  await server.logs(/configuration error: .*tsmaddy\.conf:1:1: /m, before)
})
