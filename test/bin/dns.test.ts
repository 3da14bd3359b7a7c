import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dnsServer } from '../support/dns_server.ts'
import { ServerProcess } from '../support/process.ts'
import { dial } from '../support/wire.ts'

test('-debug.dnsoverride sends every question to that server', async () => {
  await using dns = await dnsServer({ 'good.example': { MX: ['10 mx.good.example'] } })
  const conf = `
    state_dir state
    runtime_dir run
    smtp unix:smtp.sock {
      hostname mx.example.org
      tls off
      defer_sender_reject no
      check {
        require_mx_record {
          fail_action reject
        }
      }
      deliver_to dummy
    }`
  const args = ['-config', 'tsmaddy.conf', '-debug.dnsoverride', dns.address, 'run']
  await using server = await ServerProcess.fresh({ 'tsmaddy.conf': conf }, { args })
  await using client = await dial(`${server.directory}/run/smtp.sock`)
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<a@good.example>', '250 *')
  await client.command('MAIL FROM:<a@bad.example>', '550 5.7.0 DNS error during policy check *')
  assert.deepEqual(dns.asked, ['udp MX good.example', 'udp MX bad.example'])
})
