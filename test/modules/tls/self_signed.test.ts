import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import type { Context } from '../../../core/index.ts'
import definition from '../../../modules/tls/loader/self_signed.ts'
import { keepingLog } from '../../support/tls.ts'

const day = 24 * 60 * 60_000

const loader = (...names: string[]) => {
  const [first, ...rest] = names
  const inline = first === undefined ? [] : [first, ...rest]
  return definition.create({ inline }, { log: keepingLog().log } as Context)
}

test('there is no certificate before the start', () => {
  assert.deepEqual(loader('mx.test').certificates, [])
})

test('the certificate is for the given names and addresses, and valid for seven days', async () => {
  await using held = new AsyncDisposableStack()
  const made = loader('mx.test', '127.0.0.1', 'bücher.test', '2001:db8::1')
  await made.start?.(held)
  const [pair] = made.certificates
  assert.ok(pair)
  const leaf = new X509Certificate(pair.cert)
  assert.equal(
    leaf.subjectAltName,
    'DNS:mx.test, IP Address:127.0.0.1, DNS:xn--bcher-kva.test, IP Address:2001:DB8:0:0:0:0:0:1',
  )
  assert.equal(leaf.subject, 'O=Maddy Self-Signed')
  assert.equal(leaf.validToDate.getTime() - leaf.validFromDate.getTime(), 7 * day)
  assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  assert.equal(leaf.serialNumber.length, 32)
  assert.ok(leaf.verify(leaf.publicKey))
})

test('a certificate needs no name', async () => {
  await using held = new AsyncDisposableStack()
  const made = loader()
  await made.start?.(held)
  assert.equal(new X509Certificate(made.certificates[0]?.cert ?? '').subjectAltName, undefined)
})

test('another certificate is made before the first one expires', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  await using held = new AsyncDisposableStack()
  const made = loader('mx.test')
  await made.start?.(held)
  const before = made.certificates
  t.mock.timers.tick(6 * day)
  for (let turns = 0; made.certificates === before && turns < 10_000; turns++) await new Promise(setImmediate)
  assert.notEqual(made.certificates, before)
  assert.notEqual(made.certificates[0]?.cert, before[0]?.cert)
})
