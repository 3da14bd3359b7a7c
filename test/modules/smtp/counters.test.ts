import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counters } from '../../../core/index.ts'
import { endpoint, sendMessage } from './harness.ts'

test('transactions and refusals are counted by the names that maddy has for them', async () => {
  const counters = new Counters()
  await using server = await endpoint('smtp tcp://127.0.0.1:0 {\n hostname mx.h.example\n tls off\n}', { counters })
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<550@h.example>', '550 *')
  await client.command('RSET', '250 *')
  await sendMessage(client, 'Subject: x\r\n\r\nHello\r\n', '250 *')
  await client.command('QUIT', '221 *')
  await client.closed()
  assert.deepEqual(
    counters.all().map(({ name, labels, value }) => [name, labels.smtp_code ?? '', value]),
    [
      ['maddy_smtp_started_transactions', '', 2],
      ['maddy_smtp_failed_commands', '550', 1],
      ['maddy_smtp_aborted_transactions', '', 1],
      ['maddy_smtp_smtp_completed_transactions', '', 1],
    ],
  )
})
