import { generateKey, recordOf, signMessage } from '../../core/kit/dkim/index.ts'
import { memoryBody, parseHeader } from '../../core/kit/message/index.ts'
import { mailServer } from '../scenario/support.ts'
import { dnsServer } from '../support/dns_server.ts'
import { contentOf } from './load/smtp.ts'
import { megabytes, number, table } from './load/table.ts'
import { measured } from './server.ts'

/** What the default configuration does with mail from other servers, one step more at a time. */
const steps = [
  { name: 'routing and mailbox', smtp: [] },
  { name: '+ require_mx_record', smtp: ['require_mx_record'] },
  { name: '+ spf', smtp: ['require_mx_record', 'spf'] },
  { name: '+ dkim', smtp: ['require_mx_record', 'spf', 'dkim'] },
  { name: '+ dmarc', smtp: ['require_mx_record', 'spf', 'dkim'], dmarc: true },
]

const headings = [
  'inbound, 1 KB',
  'connections',
  'messages/s',
  'p50 ms',
  'p99 ms',
  'loop p99 ms',
  'CPU us/message',
  'RSS',
]

/**
 * What each step of judging costs: signed mail (RSA, 2048 bits) from a domain with SPF and DMARC, over a DNS server in this
 * process, whose answers the server keeps as any resolver does.
 */
export const inbound = async (messages: Readonly<Record<number, number>>): Promise<string> => {
  const size = 1024
  const { header, body } = contentOf(size)
  const key = await generateKey('rsa2048')
  const top = await signMessage(
    { header: parseHeader(Buffer.from(header)), body: memoryBody(Buffer.from(body)) },
    {
      domain: 'example.org',
      selector: 's',
      key,
      fields: { oversign: [], sign: ['From', 'To', 'Subject'] },
      header: 'relaxed',
      body: 'relaxed',
      expiry: 0,
    },
  )
  await using dns = await dnsServer({
    'example.org': { MX: ['10 mx.example.org'], TXT: ['v=spf1 a mx -all'], A: ['127.0.0.1'] },
    'mx.example.org': { A: ['127.0.0.1'] },
    's._domainkey.example.org': { TXT: [recordOf(key).match(/.{1,200}/g) ?? []] },
    '_dmarc.example.org': { TXT: ['v=DMARC1; p=reject'] },
    '127.0.0.1': { PTR: ['load.example'] },
  })
  const rows: string[][] = []
  for (const { name, smtp, dmarc } of steps) {
    const check = smtp.length > 0 ? `check {\n    ${smtp.join('\n    ')}\n  }\n  ` : ''
    const conf = mailServer({ smtp: `${check}dmarc ${dmarc ? 'yes' : 'no'}` })
    await using server = await measured(conf, { args: ['-debug.dnsoverride', dns.address] })
    await server.measure({ connections: 10, messages: 500, size, top }) // compiles what is hot
    for (const [connections, count] of Object.entries(messages)) {
      const result = await server.measure({ connections: Number(connections), messages: count, size, top })
      if (result.refused.length > 0) throw new Error(`${name}: refused: ${result.refused.join('; ')}`)
      const { rate, p50, p99, delayP99, cpu, acknowledged } = result
      const cost = number((cpu * 1000) / acknowledged)
      const memory = megabytes(server.server.residentMemory)
      rows.push([name, connections, number(rate), number(p50), number(p99), number(delayP99), cost, memory])
    }
  }
  return table(headings, rows)
}
