import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpoints, formatEndpoint, parseEndpoint, socketPath } from '../../../core/index.ts'
import { directive } from '../../support/nodes.ts'
import { read } from '../../support/scope.ts'

for (const [written, scheme, host, port] of [
  ['tcp://0.0.0.0:25', 'tcp', '0.0.0.0', 25],
  ['tcp:127.0.0.1:25', 'tcp', '127.0.0.1', 25],
  ['TLS://0.0.0.0:465', 'tls', '0.0.0.0', 465],
  ['tcp://[::]:25', 'tcp', '::', 25],
  ['tcp://[fe80::1%25eth0]:25', 'tcp', 'fe80::1%eth0', 25],
  ['tcp://:25', 'tcp', '', 25],
  ['tcp://localhost:25', 'tcp', 'localhost', 25],
  ['tcp://user@localhost:25/path?query#fragment', 'tcp', 'localhost', 25],
] as const) {
  test(`${written} is ${scheme}, host ${host}, port ${port}`, () => {
    const address = parseEndpoint(written)
    assert.deepEqual([address.scheme, address.host, address.port, address.text], [scheme, host, port, written])
  })
}

for (const [written, reason] of [
  ['tcp://0.0.0.0:99999', /99999 is no port/],
  ['tcp:localhost:smtp', /smtp is no port/],
  ['tcp://localhost:smtp', /smtp is no port/],
  ['tls://0.0.0.0', /the port is missing in tls:\/\/0.0.0.0: expected tls:\/\/HOST:PORT/],
  ['tcp://0.0.0.0:', /the port is missing/],
  ['tcp:25', /the port is missing/],
  ['tcp://[::1]', /the port is missing/],
  ['tcp://::1:25', /the port is missing/],
  ['tcp:///x:25', /the port is missing/],
  ['0.0.0.0:25', /expected tcp:\/\/HOST:PORT/],
  [':25', /expected tcp/],
  ['localhost:25', /expected tcp/],
  ['25', /expected tcp/],
  ['', /expected tcp/],
  ['lmtp://x:24', /expected tcp:\/\/HOST:PORT, tls:\/\/HOST:PORT or unix:\/\/PATH, not lmtp:\/\/x:24/],
  ['tcp4://127.0.0.1:25', /expected tcp/],
  ['fd://3', /expected tcp/],
  ['unix://', /the path is missing/],
  ['unix:', /the path is missing/],
  ['unix://a%20b', /%xx cannot stand in the first part/],
  ['unix://a:x/b', /x is no port/],
] as const) {
  test(`address ${JSON.stringify(written)} is refused`, () => {
    assert.throws(() => parseEndpoint(written), { name: 'RangeError', message: reason })
  })
}

for (const [written, path] of [
  ['unix:///a/b', '/a/b'],
  ['unix:/a/b', '/a/b'],
  ['unix://a/b', '/run/maddy/a/b'],
  ['unix:a/b', '/run/maddy/a/b'],
  ['unix://../x', '/run/x'],
  ['unix:///a%20b', '/a b'],
  ['unix:a%20b', '/run/maddy/a%20b'],
  ['unix://a:99/b', '/run/maddy/a:99/b'],
] as const) {
  test(`${written} is the socket ${path} when the runtime directory is /run/maddy`, () => {
    assert.equal(socketPath(parseEndpoint(written), '/run/maddy'), path)
  })
}

test('addresses that mean the same have the same text', () => {
  assert.equal(formatEndpoint(parseEndpoint('TCP:[::1]:25')), formatEndpoint(parseEndpoint('tcp://[::1]:25')))
})

test('a bad address among several is blamed on its own word', async () => {
  await assert.rejects(read(endpoints(), directive('imap', 'tcp://127.0.0.1:1', 'tcp:25')), {
    message: 'test.conf:1:24: the port is missing in tcp:25: expected tcp://HOST:PORT',
  })
})

test('every bad address of a list is told', async () => {
  await assert.rejects(read(endpoints(), directive('imap', 'tcp:25', 'udp://x:1')), {
    message:
      'test.conf:1:6: the port is missing in tcp:25: expected tcp://HOST:PORT\n' +
      'test.conf:1:13: expected tcp://HOST:PORT, tls://HOST:PORT or unix://PATH, not udp://x:1',
  })
})
