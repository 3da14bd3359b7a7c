import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SmtpError, type Table } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { type Recorded, recorder, sampleEnvelope, sampleMessage } from '../../support/target.ts'
import { pipeline, table } from './support.ts'

/** The names of the targets that a message reaches, or the code with which its recipient is refused. */
const routed = async (conf: string, from: string, to: string, tables: Record<string, Table> = {}): Promise<string> => {
  const log: Recorded[] = []
  const targets = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, recorder(log, name).target]))
  const router = await pipeline(conf, { targets, tables })
  try {
    await using delivery = await router.begin(sampleEnvelope(from))
    await delivery.recipient(parseAddress(to))
    await delivery.message(sampleMessage())
    await delivery.commit()
    return (
      log
        .filter(({ event }) => event === 'commit')
        .map(({ target }) => target)
        .join(' ') || 'nowhere'
    )
  } catch (error) {
    return error instanceof SmtpError ? `${error.code} ${error.enhanced}` : String(error)
  }
}

const broken: Table = {
  lookup: async () => {
    throw new Error('the database is down')
  },
}

for (const [id, conf, reason] of [
  ['C1: nothing', '', /nothing says where messages go/],
  ['C1: only source_in', 'source_in &t {\n reject\n}', /nothing says where messages go/],
  [
    'C2 P2: source beside deliver_to',
    'source a.example { reject }\ndefault_source { reject }\ndeliver_to dummy',
    /^test.conf:4:1: deliver_to, reroute, reject and destination belong inside source/,
  ],
  [
    'C2: default_source beside destination',
    'destination a.example { reject }\ndefault_destination { reject }\ndefault_source { reject }',
    /belong inside source/,
  ],
  [
    'C2: default_source beside reroute',
    'default_source { reject }\nreroute { deliver_to dummy }',
    /^test.conf:3:1: deliver_to, reroute, reject and destination belong inside source/,
  ],
  [
    'C2: source beside destination_in',
    'source a.example { reject }\ndefault_source { reject }\ndestination_in &t { reject }',
    /^test.conf:4:1: .* belong inside source/,
  ],
  [
    'C3 P3: source without default_source',
    'source_in &t { reject }\nsource a.example { reject }',
    /^test.conf:3:1: source is used, so default_source has to say/,
  ],
  [
    'C3 P5: source with an empty default_source',
    'source a.example { reject }\ndefault_source { }',
    /default_source has to say/,
  ],
  [
    'C4: a second default_source',
    'default_source { reject }\ndefault_source { reject }',
    /default_source is given twice; first on line 2/,
  ],
  [
    'C4: a second default_destination',
    'source a.example {\n default_destination { reject }\n default_destination { reject }\n}\ndefault_source { reject }',
    /^test.conf:4:2: default_destination is given twice; first on line 3/,
  ],
  ['C5 P14: dmarc with another word', 'dmarc maybe\ndeliver_to dummy', /^test.conf:2:7: expected yes or no, not maybe/],
  ['C5: dmarc in capitals', 'dmarc Yes\ndeliver_to dummy', /expected yes or no, not Yes/],
  [
    'C5: dmarc with two words',
    'dmarc yes no\ndeliver_to dummy',
    /^test.conf:2:11: dmarc takes only yes or no, not no as/,
  ],
  ['C6 P17: an unknown directive', 'fooo 1\ndeliver_to dummy', /^test.conf:2:1: smtp has no directive fooo/],
  [
    'C6: source inside source',
    'source a.example { source b.example { reject } }\ndefault_source { reject }',
    /source has no directive source/,
  ],
  [
    'C6: destination inside destination',
    'destination a.example { destination b.example { reject } }\ndefault_destination { reject }',
    /^test.conf:2:25: destination has no directive destination/,
  ],
  [
    'C6: source inside default_source',
    'default_source {\n source b.example { reject }\n reject\n}',
    /^test.conf:3:2: default_source has no directive source/,
  ],
  [
    'C6: dmarc inside source',
    'source a.example {\n dmarc yes\n reject\n}\ndefault_source { reject }',
    /^test.conf:3:2: source has no directive dmarc/,
  ],
  [
    'C7: destination without rules',
    'destination { reject }\ndefault_destination { reject }',
    /^test.conf:2:1: destination needs an address or a domain/,
  ],
  [
    'C8: a destination that is no address',
    'destination a.example u@ { reject }\ndefault_destination { reject }',
    /^test.conf:2:23: expected an address or a domain, not "u@"/,
  ],
  [
    'C7: source without rules',
    'source { reject }\ndefault_source { reject }',
    /^test.conf:2:1: source needs an address or a domain/,
  ],
  [
    'C8 P8: a rule with a leading dot',
    'source .a.example { reject }\ndefault_source { reject }',
    /^test.conf:2:8: expected an address or a domain, not ".a.example"/,
  ],
  ['C8 P8: an empty rule', 'source "" { reject }\ndefault_source { reject }', /expected an address or a domain/],
  ['C8 P8: a rule without local part', 'source @a.example { reject }\ndefault_source { reject }', /address/],
  ['C8 P8: a rule without domain', 'source u@ { reject }\ndefault_source { reject }', /address/],
  [
    'C8 P8: a rule with two dots',
    'source a..b { reject }\ndefault_source { reject }',
    /expected an address or a domain/,
  ],
  ['C8: a broken A-label', 'source xn--a_b.example { reject }\ndefault_source { reject }', /^test.conf:2:8: /],
  [
    'C9: a source block that says nothing',
    'source a.example { }\ndefault_source { reject }',
    /^test.conf:2:1: nothing says where messages go/,
  ],
  [
    'C9: a source block with destination_in alone',
    'source a.example { destination_in &t { reject } }\ndefault_source { reject }',
    /^test.conf:2:20: nothing says where messages go/,
  ],
  [
    'C10: default_destination beside deliver_to',
    'source a.example {\n default_destination { reject }\n deliver_to dummy\n}\ndefault_source { reject }',
    /^test.conf:4:2: deliver_to, reroute and reject belong inside destination/,
  ],
  [
    'C10: destination beside reject',
    'default_source {\n destination a.example { reject }\n default_destination { reject }\n reject\n}',
    /^test.conf:5:2: deliver_to, reroute and reject belong inside destination/,
  ],
  [
    'C11 P4: destination without default_destination',
    'destination a.example { reject }',
    /^test.conf:2:1: destination is used, so default_destination has to say/,
  ],
  [
    'C11: destination with an empty default_destination',
    'default_source {\n destination a.example { reject }\n default_destination { }\n}',
    /^test.conf:3:2: destination is used, so default_destination has to say/,
  ],
  ['C13 P12: deliver_to, then reject', 'deliver_to dummy\nreject', /cannot be both refused and delivered/],
  ['C13: reject, then deliver_to', 'reject\ndeliver_to dummy', /cannot be both refused and delivered/],
  ['C13: reroute, then reject', 'reroute { deliver_to dummy }\nreject', /^test.conf:3:1: .* as line 2 has it/],
  [
    'C13: both in a destination',
    'destination a.example {\n deliver_to dummy\n reject\n}\ndefault_destination { reject }',
    /^test.conf:4:2: a recipient cannot be both refused and delivered, as line 3 has it/,
  ],
  ['C15: reroute without a block', 'reroute', /^test.conf:2:1: reroute needs a block/],
  ['C15: reroute with a word', 'reroute x { deliver_to dummy }', /^test.conf:2:9: reroute takes a block only/],
  ['C15 P16: an empty reroute', 'reroute { }', /reroute needs a block/],
  ['C15: an error inside reroute', 'reroute { source a.example { reject } }', /default_source has to say/],
] as const) {
  test(`configuration error ${id}`, async () => {
    await assert.rejects(pipeline(conf, { tables: { t: table() } }), { name: 'ConfigError', message: reason })
  })
}

for (const [words, reason] of [
  ['299', /from 400 to 599, not 299/],
  ['55x', /from 400 to 599, not 55x/],
  ['550 5.7', /5.7 is no enhanced code/],
  ['550 2.0.0', /2.0.0 is no enhanced code/],
  ['550 5.1.1 ""', /cannot be empty/],
  ['550 5.1.1 a b', /not b as well/],
] as const) {
  test(`P10: reject ${words} is a configuration error`, async () => {
    await assert.rejects(pipeline(`reject ${words}`), { name: 'ConfigError', message: reason })
  })
}

for (const [id, conf] of [
  ['destination_in beside deliver_to', 'destination_in &t { reject }\ndeliver_to dummy'],
  ['P6: source_in beside deliver_to', 'source_in &t { reject }\ndeliver_to dummy'],
  [
    'P7: a rule in two blocks',
    'destination a.example { reject }\ndestination a.example { deliver_to dummy }\ndefault_destination { reject }',
  ],
  ['P13: a destination that drops', 'destination x.example { }\ndefault_destination { reject }'],
  ['reject before reroute', 'reject\nreroute { deliver_to dummy }'],
  ['several rejects', 'reject 550\nreject 551'],
] as const) {
  test(`valid ${id}`, async () => void (await pipeline(conf, { tables: { t: table() } })))
}

const byRecipient =
  'destination u@a.example { deliver_to &a }\ndestination a.example { deliver_to &b }\ndefault_destination { deliver_to &c }'

for (const [id, conf, from, to, expected, tables] of [
  ['R1: an address goes before its domain, whatever the case', byRecipient, 's@s.example', 'U@A.EXAMPLE', 'a'],
  ['R2: a domain', byRecipient, 's@s.example', 'v@a.example', 'b'],
  ['R3: a subdomain is another domain', byRecipient, 's@s.example', 'u@sub.a.example', 'c'],
  [
    'R4: a table goes before rules',
    `destination_in &t { deliver_to &c }\n${byRecipient}`,
    's@s.example',
    'u@a.example',
    'c',
    { t: table('u@a.example') },
  ],
  [
    'R5: a table that cannot answer is an outage',
    `destination_in &t { deliver_to &c }\n${byRecipient}`,
    's@s.example',
    'u@a.example',
    'Error: the database is down',
    { t: broken },
  ],
  [
    'R7: the null sender is the empty key',
    'source_in &t { deliver_to &a }\ndeliver_to &b',
    '',
    'u@a.example',
    'a',
    { t: table('') },
  ],
  [
    'R8: rules cannot name the null sender',
    'source a.example { deliver_to &a }\ndefault_source { deliver_to &b }',
    '',
    'u@a.example',
    'b',
  ],
  [
    'T41: tables get whole addresses only',
    'source_in &t { deliver_to &a }\ndeliver_to &b',
    'u@a.example',
    'x@x.example',
    'b',
    { t: table('a.example') },
  ],
  [
    'P9: a final dot and case do not matter',
    'destination A.Example. { deliver_to &a }\ndefault_destination { reject }',
    '',
    'u@a.example',
    'a',
  ],
  [
    'an A-label and a U-label are one domain',
    'destination xn--bcher-kva.example { deliver_to &a }\ndefault_destination { reject }',
    '',
    'u@bücher.example',
    'a',
  ],
  [
    'postmaster matches without a domain, in any case',
    'destination postmaster { deliver_to &a }\ndefault_destination { reject }',
    '',
    'PostMaster',
    'a',
  ],
  [
    'P7: the first of equal rules wins',
    'destination a.example { deliver_to &a }\ndestination a.example { deliver_to &b }\ndefault_destination { reject }',
    '',
    'u@a.example',
    'a',
  ],
  [
    'P13: a recipient may be dropped',
    'destination a.example { }\ndefault_destination { reject }',
    '',
    'u@a.example',
    'nowhere',
  ],
  ['P11: the enhanced code follows the code', 'reject 450', '', 'u@a.example', '450 4.7.0'],
  ['reject without words', 'reject', '', 'u@a.example', '554 5.7.0'],
  ['the last reject wins', 'reject 550\nreject 551 5.7.1', '', 'u@a.example', '551 5.7.1'],
  ['reject before reroute wins', 'reject 550\nreroute { deliver_to &a }', '', 'u@a.example', '550 5.7.0'],
  ['several targets each get it', 'deliver_to &a\ndeliver_to &b', '', 'u@a.example', 'a b'],
  [
    'reroute matches anew',
    'reroute {\n destination a.example { deliver_to &a }\n default_destination { deliver_to &b }\n}',
    '',
    'u@a.example',
    'a',
  ],
  [
    'source, then destination',
    'source s.example {\n destination a.example { deliver_to &a }\n default_destination { reject 551 }\n}\ndefault_source { reject 552 }',
    's@s.example',
    'u@b.example',
    '551 5.7.0',
  ],
] as const) {
  test(id, async () => assert.equal(await routed(conf, from, to, tables), expected))
}

test('R9: reject in a source block refuses the recipient, not the sender', async () => {
  const router = await pipeline('source s.example { reject 550 }\ndefault_source { deliver_to dummy }')
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  await assert.rejects(delivery.recipient(parseAddress('u@a.example')), { code: 550 })
})

for (const [who, address, refusal] of [
  ['sender', 'reversePath', [501, '5.1.7', 'Unable to normalize the sender address']],
  ['recipient', 'to', [553, '5.1.2', 'Unable to normalize the recipient address']],
] as const) {
  test(`a ${who} whose domain cannot be decoded finds no way`, async () => {
    const router = await pipeline('source a.example { reject }\ndefault_source { deliver_to dummy }')
    const bad = { local: 'u', domain: 'xn--a_b.example' }
    const sending = async () => {
      const envelope = sampleEnvelope('s@s.example')
      await using delivery = await router.begin(address === 'to' ? envelope : { ...envelope, reversePath: bad })
      await delivery.recipient(bad)
    }
    const [code, enhanced, message] = refusal
    await assert.rejects(sending, { code, enhanced, message })
  })
}

test('R17: a target used in two blocks gets one transaction with both recipients', async () => {
  const log: Recorded[] = []
  const conf =
    'destination a.example { deliver_to &a }\ndestination b.example { deliver_to &a }\ndefault_destination { reject }'
  const router = await pipeline(conf, { targets: { a: recorder(log, 'a').target } })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  await delivery.recipient(parseAddress('u@a.example'))
  await delivery.recipient(parseAddress('u@b.example'))
  assert.deepEqual(
    log.map(({ event, rcpt }) => rcpt ?? event),
    ['begin', 'u@a.example', 'u@b.example'],
  )
})

test('a target that refuses the content fails its own recipients, and only the others commit', async () => {
  const log: Recorded[] = []
  const refusing = recorder(log, 'b', { message: SmtpError.permanent(552, '5.2.2', 'Mailbox is full') })
  const conf = 'destination a.example { deliver_to &a }\ndefault_destination { deliver_to &b }'
  const router = await pipeline(conf, { targets: { a: recorder(log, 'a').target, b: refusing.target } })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  const [first, second] = [parseAddress('u@a.example'), parseAddress('u@b.example')]
  await delivery.recipient(first)
  await delivery.recipient(second)
  const failed = await delivery.message(sampleMessage())
  await delivery.commit()
  assert.deepEqual([failed.get(first), failed.get(second)?.code], [undefined, 552])
  assert.deepEqual(
    log.filter(({ event }) => event === 'commit').map(({ target }) => target),
    ['a'],
  )
})

test('of two targets of a block the second refuses the content: the recipient has failed', async () => {
  const log: Recorded[] = []
  const refusing = recorder(log, 'b', { message: SmtpError.permanent(552, '5.2.2', 'Mailbox is full') })
  const targets = { a: recorder(log, 'a').target, b: refusing.target }
  const router = await pipeline('deliver_to &a\ndeliver_to &b', { targets })
  {
    await using delivery = await router.begin(sampleEnvelope('s@s.example'))
    const to = parseAddress('u@a.example')
    await delivery.recipient(to)
    assert.equal((await delivery.message(sampleMessage())).get(to)?.code, 552)
  }
  assert.deepEqual(
    log.filter(({ event }) => event === 'commit' || event === 'abort').map(({ target, event }) => `${target} ${event}`),
    ['b abort', 'a abort'],
  )
})

test('leaving before the commit aborts every target', async () => {
  const log: Recorded[] = []
  const router = await pipeline('deliver_to &a\ndeliver_to &b', {
    targets: { a: recorder(log, 'a').target, b: recorder(log, 'b').target },
  })
  {
    await using delivery = await router.begin(sampleEnvelope('s@s.example'))
    await delivery.recipient(parseAddress('u@a.example'))
    await delivery.message(sampleMessage())
  }
  assert.deepEqual(
    log
      .filter(({ event }) => event === 'abort')
      .map(({ target }) => target)
      .toSorted(),
    ['a', 'b'],
  )
})
