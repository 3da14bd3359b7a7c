import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Networks, ProxyError, plainIp, scanProxyHeader } from '../../../core/kit/proxy/index.ts'

const v1 = (line: string) => Buffer.from(`${line}\r\nEHLO c\r\n`)
const signature = '0d0a0d0a000d0a515549540a'
const v2 = (rest: string) => Buffer.from(signature + rest, 'hex')

const sources: readonly (readonly [string, Buffer, string | undefined, number])[] = [
  ['TCP4', v1('PROXY TCP4 192.0.2.7 192.0.2.1 4321 25'), '192.0.2.7:4321', 40],
  ['TCP6', v1('PROXY TCP6 2001:db8::7 ::1 1 2'), '2001:db8::7:1', 32],
  ['UNKNOWN', v1('PROXY UNKNOWN'), undefined, 15],
  ['UNKNOWN with anything', v1('PROXY UNKNOWN ffff::1 x y z'), undefined, 29],
  ['LOCAL', v2('20000000'), undefined, 16],
  ['IPv4', v2('2111000cc0000207c000020110e10019'), '192.0.2.7:4321', 28],
  ['IPv4 with more behind', v2('2111000fc0000207c000020110e10019040000'), '192.0.2.7:4321', 31],
  ['a Unix socket', v2(`213100d8${'00'.repeat(216)}`), undefined, 232],
  ['nothing specified', v2('21000000'), undefined, 16],
]

for (const [what, bytes, source, length] of sources) {
  test(`a header of ${what} is read`, () => {
    const scan = scanProxyHeader(bytes)
    assert.ok(scan.kind === 'found')
    assert.equal(scan.header.source && `${scan.header.source.ip}:${scan.header.source.port}`, source)
    assert.equal(scan.length, length)
  })

  test(`more is needed at any point of a header of ${what}`, () => {
    for (let cut = 0; cut < length; cut++) assert.equal(scanProxyHeader(bytes.subarray(0, cut)).kind, 'more')
  })
}

for (const text of ['EHLO c\r\n', 'PROXIED', 'proxy TCP4', '\r\nQUIT\r\n', '\x16\x03\x01', 'P\r\n']) {
  test(`${JSON.stringify(text)} is no header`, () => {
    assert.equal(scanProxyHeader(Buffer.from(text, 'latin1')).kind, 'none')
  })
}

for (const [what, bytes] of [
  ['no address', v1('PROXY TCP4 a b 1 2')],
  ['an address of the other kind', v1('PROXY TCP4 ::1 ::1 1 2')],
  ['a port too many', v1('PROXY TCP4 192.0.2.7 192.0.2.1 1 2 3')],
  ['a port too big', v1('PROXY TCP4 192.0.2.7 192.0.2.1 65536 2')],
  ['no family', v1('PROXY ')],
  ['another family', v1('PROXY UDP4 192.0.2.7 192.0.2.1 1 2')],
  ['a line too long', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(100)}`)],
  ['version 3', v2('31110000')],
  ['an unknown command', v2('22110000')],
  ['addresses cut short', v2('21110004c0000207')],
  ['no end', v2('2111ffff')],
] as const) {
  test(`a header with ${what} is refused`, () => {
    assert.throws(() => scanProxyHeader(bytes), ProxyError)
  })
}

test('random octets behind a signature are read or refused', () => {
  let seed = 1
  const octet = () => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff
    return (seed >> 16) & 255
  }
  for (let i = 0; i < 20_000; i++) {
    const start = i % 2 === 0 ? Buffer.from('PROXY TCP4 ') : v2('')
    const bytes = Buffer.concat([start, Buffer.from(Array.from({ length: octet() % 60 }, octet))])
    try {
      assert.notEqual(scanProxyHeader(bytes).kind, 'none')
    } catch (error) {
      assert.ok(error instanceof ProxyError)
    }
  }
})

test('networks hold what is in them', () => {
  const networks = new Networks(['192.0.2.0/24', '::1', '2001:db8::/32', '10.0.0.1'])
  for (const ip of ['192.0.2.200', '::ffff:192.0.2.1', '::1', '2001:db8:1::1', '10.0.0.1'])
    assert.ok(networks.has(ip), ip)
  for (const ip of ['192.0.3.1', '::2', '2001:db9::1', '10.0.0.2', 'nonsense']) assert.ok(!networks.has(ip), ip)
})

test('an IPv4 address that a socket writes as IPv6 is what it is', () => {
  assert.equal(plainIp('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(plainIp('fe80::1%eth0'), 'fe80::1')
})
