import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { before, test } from 'node:test'
import {
  type Canonicalization,
  generateKey,
  recordOf,
  type SigningKey,
  signMessage,
} from '../../../core/kit/dkim/index.ts'
import { memoryBody, parseHeader } from '../../../core/kit/message/index.ts'
import { unless } from '../../scenario/programs.ts'
import { type Sample, sampleMessages } from './messages.ts'
import { startOpenDkim } from './opendkim.ts'

const fields = {
  oversign: ['Subject', 'Sender', 'To', 'Cc', 'From', 'Date', 'MIME-Version', 'Reply-To', 'References'],
  sign: ['List-Id', 'X-Unknown', 'Received'],
}

/** How a sample is signed. */
interface Way {
  readonly selector: 'rsa' | 'ed'
  readonly header: Canonicalization
  readonly body: Canonicalization
}

const ways: readonly Way[] = (['rsa', 'ed'] as const).flatMap((selector) =>
  (['relaxed', 'simple'] as const).flatMap((header) =>
    (['relaxed', 'simple'] as const).map((body) => ({ selector, header, body })),
  ),
)

let keys: Record<Way['selector'], SigningKey>

before(async () => {
  keys = { rsa: await generateKey('rsa2048'), ed: await generateKey('ed25519') }
})

const signed = async ({ header, body }: Sample, { selector, ...how }: Way): Promise<Buffer> => {
  const message = { header: parseHeader(header), body: memoryBody(body) }
  const field = await signMessage(message, {
    ...how,
    domain: 'a.example',
    selector,
    key: keys[selector],
    fields,
    expiry: 432_000_000,
  })
  return Buffer.concat([Buffer.from(field), header, Buffer.from('\r\n'), body])
}

/** Each of 200 messages, signed in one of the eight ways; all ways take turns. */
async function* signedSamples(seed: number): AsyncGenerator<{ way: Way; sample: Sample; message: Buffer }> {
  let turn = 0
  for (const sample of sampleMessages(200, seed)) {
    const way = ways[turn++ % ways.length] as Way
    yield { way, sample, message: await signed(sample, way) }
  }
}

const shown = ({ header, body }: Sample, way: Way): string =>
  `${JSON.stringify(way)}: ${JSON.stringify(header.toString('latin1'))} ${JSON.stringify(body.toString('latin1'))}`

interface Verification {
  readonly results: readonly { readonly status: { readonly result: string; readonly comment?: string } }[]
}
type Verify = (message: Buffer, options: { resolver: (name: string) => Promise<string[][]> }) => Promise<Verification>

test('what is signed here verifies with mailauth, however odd the message is', async () => {
  const { dkimVerify } = createRequire(import.meta.url)('mailauth/lib/dkim/verify.js') as { dkimVerify: Verify }
  const resolver = async (name: string) => [[recordOf(keys[name.startsWith('rsa.') ? 'rsa' : 'ed'])]]
  for await (const { way, sample, message } of signedSamples(1)) {
    const { results } = await dkimVerify(message, { resolver })
    assert.deepEqual(
      results.map(({ status }) => status.result),
      ['pass'],
      `${shown(sample, way)}: ${results[0]?.status.comment}`,
    )
  }
})

test('what is signed here verifies with opendkim, however odd the message is', unless('opendkim'), async () => {
  await using opendkim = await startOpenDkim({
    'rsa._domainkey.a.example': recordOf(keys.rsa),
    'ed._domainkey.a.example': recordOf(keys.ed),
  })
  for await (const { way, sample, message } of signedSamples(2)) {
    assert.match(await opendkim.verify(message), /dkim=pass/, shown(sample, way))
  }
})

test('opendkim sees when a signed message was changed', unless('opendkim'), async () => {
  await using opendkim = await startOpenDkim({ 'rsa._domainkey.a.example': recordOf(keys.rsa) })
  const [sample] = [...sampleMessages(1, 3)]
  assert.ok(sample)
  const message = await signed(sample, { selector: 'rsa', header: 'relaxed', body: 'relaxed' })
  const changed = Buffer.concat([message, Buffer.from('P.S.\r\n')])
  assert.match(await opendkim.verify(changed), /dkim=fail/)
})
