import { describeBytes, parseHeader, structureFromJson, structureToJson } from '../../core/kit/message/index.ts'

/** How long it takes to read and describe messages of common kinds, one line each. */
export async function bench(): Promise<string[]> {
  const small = message(1024)
  const large = message(100 * 1024)
  const mixed = attachment(100 * 1024)
  const stored = structureToJson(describeBytes(mixed).structure)
  return [
    line('header of 1 KB parsed', 20_000, () => parseHeader(small)),
    line('text of 1 KB described', 20_000, () => describeBytes(small)),
    line('text of 100 KB described', 2_000, () => describeBytes(large)),
    line('multipart of 100 KB described', 2_000, () => describeBytes(mixed)),
    line('structure to JSON', 20_000, () => structureToJson(describeBytes(small).structure)),
    line('structure from JSON', 20_000, () => structureFromJson(stored)),
  ]
}

function line(what: string, times: number, work: () => unknown): string {
  for (let round = 0; round < times / 10; round++) work()
  const start = performance.now()
  for (let round = 0; round < times; round++) work()
  return `${what}: ${(((performance.now() - start) * 1000) / times).toFixed(1)} µs`
}

const fields = [
  'Received: from client.example (client.example [192.0.2.1]) by mx.example.org (envelope-sender <a@example.org>)',
  ' with ESMTPS id 0123abcd; Tue, 03 Mar 2026 09:05:00 +0100',
  'From: "Ada Lovelace" <ada@example.org>',
  'To: Charles <charles@example.org>, undisclosed-recipients:;',
  'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=',
  'Date: Tue, 3 Mar 2026 08:05:00 +0000',
  'Message-Id: <1@example.org>',
  'MIME-Version: 1.0',
]

function message(size: number): Buffer {
  const head = [...fields, 'Content-Type: text/plain; charset="utf-8"', '', ''].join('\r\n')
  return Buffer.from(head + 'A line of text, neither long nor short.\r\n'.repeat(Math.ceil((size - head.length) / 41)))
}

function attachment(size: number): Buffer {
  const encoded = `${'QUJD'.repeat(19)}\r\n`.repeat(Math.ceil(size / 78))
  const parts = [
    '--=_b',
    'Content-Type: text/plain',
    '',
    'Hello',
    '--=_b',
    'Content-Type: application/pdf; name="a.pdf"',
  ]
  const transfer = ['Content-Transfer-Encoding: base64', '', `${encoded}--=_b--`, '']
  return Buffer.from(
    [...fields, 'Content-Type: multipart/mixed; boundary="=_b"', '', ...parts, ...transfer].join('\r\n'),
  )
}

if (import.meta.main) for (const report of await bench()) console.log(report)
