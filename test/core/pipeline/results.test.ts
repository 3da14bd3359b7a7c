import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthenticationResult } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { zone } from '../../../core/kit/dns/memory.ts'
import { type Recorded, recorder, sampleEnvelope, sampleMessage } from '../../support/target.ts'
import { pipeline, watcher } from './support.ts'

const spf = (value: string, domain = 's.example'): AuthenticationResult => ({
  method: 'spf',
  value,
  properties: { 'smtp.mailfrom': domain, 'smtp.helo': 'client.example' },
})
const dkim = (value: string, domain = 's.example'): AuthenticationResult => ({
  method: 'dkim',
  value,
  properties: { 'header.d': domain },
})

interface Sent {
  readonly conf: string
  readonly results?: readonly AuthenticationResult[]
  readonly fields?: readonly string[]
  readonly header?: string
  readonly dmarc?: string
  readonly entry?: boolean
}

/** The content as a target gets it, with folding undone, and whether it was quarantined. */
const send = async ({
  conf,
  results = [],
  fields = [],
  header = 'From: <a@s.example>\r\n',
  dmarc,
  entry = true,
}: Sent) => {
  const log: Recorded[] = []
  const router = await pipeline(conf, {
    targets: { a: recorder(log, 'a').target },
    checks: { one: [watcher('x', [], { connection: { results, fields } })] },
    dns: zone(dmarc ? { '_dmarc.s.example': { TXT: [dmarc] } } : {}),
    ...(entry && { entry: { hideClient: false } }),
  })
  await using delivery = await router.begin(sampleEnvelope('s@s.example'))
  await delivery.recipient(parseAddress('u@a.example'))
  const [failure] = (await delivery.message(sampleMessage(header))).values()
  if (failure) throw failure
  await delivery.commit()
  const message = log.find(({ event }) => event === 'message')
  return { content: message?.content?.toString().replace(/\r\n[ \t]/g, ' ') ?? '', quarantined: message?.quarantined }
}

test('the results of checks are one Authentication-Results field above Received, and their fields above it', async () => {
  const { content } = await send({
    conf: 'check &one\ndeliver_to &a',
    results: [spf('pass'), dkim('pass')],
    fields: ['X-One: 1\r\n', 'X-Two: 2\r\n'],
  })
  assert.match(
    content,
    /^X-One: 1\r\nX-Two: 2\r\nAuthentication-Results: mx\.example\.org; spf=pass smtp\.helo=client\.example smtp\.mailfrom=s\.example; dkim=pass header\.d=s\.example\r\nReceived: from client\.example .*\r\nFrom: /,
  )
})

test('without results there is no Authentication-Results', async () => {
  const { content } = await send({ conf: 'deliver_to &a' })
  assert.match(content, /^Received: .*\r\nFrom: /)
})

test('results that claim to be of this server are removed where messages enter, whatever their form', async () => {
  const header = [
    'Authentication-Results: mx.example.org; spf=pass\r\n',
    'authentication-results: "MX.example.org" 1; dkim=pass\r\n',
    'Authentication-Results: (hi) mx.example.org.; dkim=pass\r\n',
    'Authentication-Results: other.example; spf=fail\r\n',
    'From: <a@s.example>\r\n',
  ].join('')
  const { content } = await send({ conf: 'deliver_to &a', header })
  assert.match(content, /^Received: .*\r\nAuthentication-Results: other\.example; spf=fail\r\nFrom: /)
})

test('a nested pipeline keeps the results of the one around it, adds its own under the same name, and no Received', async () => {
  const conf = `
    check &one
    reroute {
      check &one
      deliver_to &a
    }`
  const { content } = await send({ conf, results: [spf('pass')] })
  const fields = content.match(/^Authentication-Results: mx\.example\.org; spf=pass.*$/gm)
  assert.deepEqual([fields?.length, content.match(/^Received:/gm)?.length], [2, 1])
})

test('dmarc refuses what the policy of the author says to refuse', async () => {
  const sent = send({
    conf: 'dmarc yes\ncheck &one\ndeliver_to &a',
    results: [spf('fail'), dkim('none', '')],
    dmarc: 'v=DMARC1; p=reject',
  })
  await assert.rejects(sent, { code: 550, enhanced: '5.7.1', message: 'DMARC check failed' })
})

test('dmarc quarantines what the policy says to quarantine, and the result is recorded', async () => {
  const { content, quarantined } = await send({
    conf: 'dmarc\ncheck &one\ndeliver_to &a',
    results: [spf('fail'), dkim('fail')],
    dmarc: 'v=DMARC1; p=quarantine',
  })
  assert.equal(quarantined, true)
  assert.match(content, /; dmarc=fail .*header\.from=s\.example/)
})

test('a message that passes DMARC passes', async () => {
  const { content, quarantined } = await send({
    conf: 'dmarc yes\ncheck &one\ndeliver_to &a',
    results: [spf('fail'), dkim('pass')],
    dmarc: 'v=DMARC1; p=reject',
  })
  assert.equal(quarantined, false)
  assert.match(content, /; dmarc=pass/)
})

test('without dmarc nothing is looked up, and nothing refused', async () => {
  const { content } = await send({
    conf: 'check &one\ndeliver_to &a',
    results: [spf('fail'), dkim('fail')],
    dmarc: 'v=DMARC1; p=reject',
  })
  assert.doesNotMatch(content, /dmarc=/)
})

test('dmarc inside reroute judges by the checks around it', async () => {
  const conf = `
    check &one
    reroute {
      dmarc yes
      deliver_to &a
    }`
  const sent = send({ conf, results: [spf('fail'), dkim('fail')], dmarc: 'v=DMARC1; p=reject' })
  await assert.rejects(sent, { code: 550, message: 'DMARC check failed' })
})
