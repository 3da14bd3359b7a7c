import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Target } from '../../../core/index.ts'
import { behaving, scripted } from '../../kit/smtp_client/scripted.ts'
import { instance } from '../../support/server.ts'
import { sampleEnvelope } from '../../support/target.ts'
import { dial } from '../../support/wire.ts'
import { events, mistakes, relaying } from './support.ts'

const to = (port: number, directives = 'starttls no') => `smtp tcp://127.0.0.1:${port} {\n${directives}\n}`

/** A port that nobody listens on. */
const nobody = async (): Promise<number> => {
  await using server = await behaving()
  return server.port
}

test('a message goes to the next server on a connection of its own', async () => {
  await using next = await behaving()
  await using relay = await relaying(to(next.port))
  assert.deepEqual(await relay.send(), ["250 2.0.0 I'll make sure <b@to.example> gets this", '250 2.0.0 OK: queued'])
  await next.closed()
  assert.deepEqual(next.seen, [
    'EHLO mx.test',
    'MAIL FROM:<a@from.example> BODY=8BITMIME',
    'RCPT TO:<b@to.example>',
    'DATA',
    'QUIT',
  ])
  assert.match(next.contents[0] ?? '', /^Received: .*\r\nSubject: x\r\n\r\nhello\r\n$/s)
})

test('a block of its own can be referred to by several', async () => {
  await using next = await behaving()
  const top = `target.smtp relay {
    targets tcp://127.0.0.1:${next.port}
    hostname bücher.example
    starttls no
  }`
  await using relay = await relaying('&relay', { top })
  await relay.send()
  await relay.send()
  assert.equal(next.connections.length, 2)
  assert.equal(next.seen[0], 'EHLO xn--bcher-kva.example')
})

test('the next server has the words about a recipient, and the others go on', async () => {
  await using next = await behaving({
    replies: { 'RCPT TO:<b@to.example>': '550 5.1.2 Hey', 'RCPT TO:<c@to.example>': '452 4.2.2 Full' },
  })
  await using relay = await relaying(to(next.port))
  assert.deepEqual(await relay.send(['b@to.example', 'c@to.example', 'd@to.example']), [
    '550 5.1.2 Hey',
    '452 4.2.2 Full',
    "250 2.0.0 I'll make sure <d@to.example> gets this",
    '250 2.0.0 OK: queued',
  ])
  const [refused] = events(await relay.server.log(), 'RCPT error')
  assert.equal(refused?.target, 'target.smtp')
  assert.equal(refused?.remote_server, `tcp://127.0.0.1:${next.port}`)
  assert.equal(refused?.smtp_code, 550)
})

for (const [what, replies, verdicts, expected] of [
  ['the sender', { MAIL: '553 5.1.8 Not from there' }, [], ['553 5.1.8 Not from there']],
  ['the sender for now', { MAIL: '451 4.7.1 Later' }, [], ['451 4.7.1 Later']],
  ['DATA', { DATA: '451 4.3.0 Not now' }, [], ['', '451 4.3.0 Not now']],
  ['the content', {}, ['554 5.7.1 Spam'], ['', '554 5.7.1 Spam']],
  ['a content that is too large', {}, ['552 5.3.4 Large'], ['', '452 4.3.4 Large']],
] as const) {
  test(`what the next server says of ${what} is what the client hears`, async () => {
    for (const offers of [['8BITMIME'], ['PIPELINING']]) {
      await using next = await behaving({ replies, verdicts, offers })
      await using relay = await relaying(to(next.port))
      const heard = await relay.send()
      assert.equal(heard.length, expected.length, heard.join(' / '))
      assert.equal(heard.at(-1), expected.at(-1))
      await next.closed()
      assert.equal(next.seen.at(-1), 'QUIT')
    }
  })
}

test('a client that gives up leaves nothing with the next server', async () => {
  await using next = await behaving()
  await using relay = await relaying(to(next.port))
  await using client = await relay.greeted()
  await client.command('MAIL FROM:<a@from.example>', '250 *')
  await client.command('RCPT TO:<b@to.example>', '250 *')
  await client.command('RSET', '250 *')
  await next.closed()
  assert.deepEqual(next.seen.slice(2), ['RCPT TO:<b@to.example>', 'QUIT'])
})

test('a client that goes away in the middle of its message leaves nothing with the next server', async () => {
  await using next = await behaving({ offers: ['CHUNKING'] })
  await using relay = await relaying(to(next.port))
  const client = await relay.greeted()
  await client.command('MAIL FROM:<a@from.example>', '250 *')
  await client.command('RCPT TO:<b@to.example>', '250 *')
  await client.command('DATA', '354 *')
  client.send('Subject: x\r\n\r\nhalf')
  client.destroy()
  await next.closed()
  assert.deepEqual(next.contents, [])
})

test('MAIL and the first RCPT leave together where the next server offers PIPELINING', async () => {
  const packets: string[] = []
  await using next = await scripted(async (peer) => {
    peer.say('220 hello')
    await peer.line()
    peer.say('250-hello', '250 PIPELINING')
    await peer.arrived('MAIL FROM:<a@from.example>\r\nRCPT TO:<b@to.example>\r\n'.length)
    packets.push(peer.ahead)
    await peer.line()
    await peer.line()
    peer.say('250 ok', '550 5.1.1 No')
    await peer.line()
    peer.say('221 bye')
  })
  await using relay = await relaying(to(next.port))
  assert.deepEqual(await relay.send(), ['550 5.1.1 No'])
  assert.deepEqual(packets, ['MAIL FROM:<a@from.example>\r\nRCPT TO:<b@to.example>\r\n'])
})

test('the size that a client announces is passed on', async () => {
  await using next = await behaving({ offers: ['SIZE 1000000'] })
  await using relay = await relaying(to(next.port))
  await relay.send(undefined, { from: '<a@from.example> SIZE=1234' })
  await relay.send()
  const mails = next.seen.filter((line) => line.startsWith('MAIL'))
  assert.deepEqual(mails, ['MAIL FROM:<a@from.example> SIZE=1234', 'MAIL FROM:<a@from.example>'])
})

test('SMTPUTF8 is asked for when the client did, and the next server offers it', async () => {
  await using next = await behaving({ offers: ['SMTPUTF8'] })
  await using relay = await relaying(to(next.port))
  await relay.send(['zoë@bücher.example'], { from: '<ü@from.example> SMTPUTF8' })
  assert.deepEqual(next.seen.slice(1, 3), ['MAIL FROM:<ü@from.example> SMTPUTF8', 'RCPT TO:<zoë@bücher.example>'])
})

test('addresses that can be written in ASCII go to a server without SMTPUTF8, and others do not', async () => {
  await using next = await behaving()
  await using relay = await relaying(to(next.port))
  const heard = await relay.send(['zoë@to.example', 'b@bücher.example'], { from: '<a@straße.example> SMTPUTF8' })
  assert.deepEqual(next.seen.slice(1, 3), [
    'MAIL FROM:<a@xn--strae-oqa.example> BODY=8BITMIME',
    'RCPT TO:<b@xn--bcher-kva.example>',
  ])
  assert.equal(heard[0], '553 5.6.7 SMTPUTF8 is unsupported, cannot convert recipient address')
  assert.equal(heard[2], '250 2.0.0 OK: queued')
  const [refused] = await relay.send(['b@to.example'], { from: '<ü@from.example> SMTPUTF8' })
  assert.equal(refused, '550 5.6.7 SMTPUTF8 is unsupported, cannot convert sender address')
})

test('a bounce goes from the null sender', async () => {
  await using next = await behaving()
  await using relay = await relaying(to(next.port))
  await relay.send(undefined, { from: '<>' })
  assert.equal(next.seen[1], 'MAIL FROM:<> BODY=8BITMIME')
})

test('the next server has a second try when the first cannot be reached, and one line tells of it', async () => {
  await using next = await behaving()
  const down = await nobody()
  await using relay = await relaying(`smtp tcp://127.0.0.1:${down} tcp://127.0.0.1:${next.port} {\nstarttls no\n}`)
  assert.equal((await relay.send()).at(-1), '250 2.0.0 OK: queued')
  const failures = events(await relay.server.log(), 'connect error')
  assert.equal(failures.length, 1)
  assert.equal(failures[0]?.downstream_server, `tcp://127.0.0.1:${down}`)
})

test('what is wrong with the last server is what the client hears', async () => {
  await using first = await behaving({ greeting: '554 5.3.2 First' })
  await using second = await behaving({ replies: { EHLO: '421 4.3.2 Second' } })
  const both = `smtp {\ntargets tcp://127.0.0.1:${first.port}\nstarttls no\n}`
  await using one = await relaying(both)
  assert.deepEqual(await one.send(), ['554 5.3.2 First'])
  assert.deepEqual(events(await one.server.log(), 'connect error'), [])
  await using two = await relaying(both.replace('\nstarttls', ` tcp://127.0.0.1:${second.port}\nstarttls`))
  assert.deepEqual(await two.send(), ['421 4.3.2 Second'])
  assert.equal(events(await two.server.log(), 'connect error').length, 2)
})

for (const [what, replies] of [
  ['a sender', { MAIL: '550 5.7.1 No' }],
  ['a login', { AUTH: '535 5.7.8 No' }],
] as const) {
  test(`a server that refuses ${what} is not passed over`, async () => {
    await using first = await behaving({ replies })
    await using second = await behaving()
    const addresses = `tcp://127.0.0.1:${first.port} tcp://127.0.0.1:${second.port}`
    await using relay = await relaying(`smtp ${addresses} {\nstarttls no\nauth plain u p\n}`)
    assert.match((await relay.send())[0] ?? '', /^5\d\d 5\.7\.\d No$/)
    assert.equal(second.connections.length, 0)
  })
}

test('a server that cannot be reached defers the mail', async () => {
  await using relay = await relaying(to(await nobody()))
  assert.deepEqual(await relay.send(), ['450 4.4.2 Network I/O error'])
})

for (const [what, directive, behaviour] of [
  ['to greet', 'command_timeout 80ms', { greeting: '' }],
  ['for a command', 'command_timeout 80ms', { replies: { MAIL: 'SILENCE' } }],
  ['to take the message', 'submission_timeout 80ms', { verdicts: [] }],
] as const) {
  test(`a server that takes too long ${what} defers the mail`, async () => {
    await using next = await behaving(behaviour)
    await using relay = await relaying(to(next.port, `starttls no\n${directive}`))
    assert.equal((await relay.send()).at(-1), '450 4.4.2 Network I/O error')
    await next.closed()
  })
}

test('a server that talks nonsense defers the mail', async () => {
  await using next = await scripted(async (peer) => {
    peer.say('HTTP/1.1 400 Bad Request')
    await peer.gone()
  })
  await using relay = await relaying(to(next.port))
  assert.deepEqual(await relay.send(), ['451 4.3.0 Internal server error'])
  const [failure] = events(await relay.server.log(), 'RCPT error')
  assert.match(String(failure?.reason), /the server said what is no reply/)
  assert.equal(failure?.remote_server, `tcp://127.0.0.1:${next.port}`)
})

test('a server that is lost after the end of a message defers it, though it may have it', async () => {
  await using next = await behaving({ verdicts: ['nonsense'] })
  await using relay = await relaying(to(next.port))
  assert.equal((await relay.send()).at(-1), '451 4.3.0 Internal server error')
  assert.equal(next.contents.length, 1)
  assert.equal(events(await relay.server.log(), 'DATA error')[0]?.outcome, 'unknown')
})

test('a message has been handed over when another target of it fails after that', async () => {
  await using good = await behaving()
  await using bad = await behaving({ verdicts: ['451 4.3.0 No'] })
  await using relay = await relaying(`${to(good.port)}\ndeliver_to ${to(bad.port)}`)
  assert.equal((await relay.send()).at(-1), '451 4.3.0 No')
  assert.equal(good.contents.length, 1)
})

test('no message is one end too many for the next server', async () => {
  await using next = await behaving()
  const top = `submission tcp://127.0.0.1:0 {
    auth dummy
    bare_newlines normalize
    deliver_to ${to(next.port)}
  }`
  await using relay = await relaying('dummy', { top })
  await using user = await dial(relay.server.port('submission'))
  await user.expect('220 *')
  await user.command('EHLO c', '250 *')
  await user.command(`AUTH PLAIN ${Buffer.from('\0a\0b').toString('base64')}`, '235 *')
  await user.command('MAIL FROM:<a@from.example>', '250 *')
  await user.command('RCPT TO:<b@to.example>', '250 *')
  await user.command('DATA', '354 *')
  user.send('From: <a@from.example>\r\n\r\na\n.\nMAIL FROM:<evil@x.example>\r\n.\r\n')
  await user.expect('250 *')
  assert.match(next.contents[0] ?? '', /\r\n\r\na\r\n\.\.\r\nMAIL FROM:<evil@x\.example>\r\n$/)
})

test('a message that requires TLS waits for a server that offers REQUIRETLS', async () => {
  await using next = await behaving()
  await using relay = await instance(
    Target,
    `target.smtp relay {\ntargets tcp://127.0.0.1:${next.port}\nhostname mx.test\nstarttls no\n}`,
  )
  await assert.rejects(relay.api.begin({ ...sampleEnvelope('a@from.example'), requireTls: true }), /REQUIRETLS/)
})

for (const [what, block, reason] of [
  ['no server', 'hostname x', 'target.smtp: at least one target endpoint is required'],
  ['an address without a port', 'hostname x\ntargets tcp://127.0.0.1', 'the port is missing'],
  ['port 0', 'hostname x\ntargets tcp://127.0.0.1:0', 'no server listens on port 0'],
  ['another scheme', 'hostname x\ntargets lmtp://127.0.0.1:24', 'expected tcp://HOST:PORT'],
  ['no hostname', 'targets tcp://127.0.0.1:25', 'needs hostname NAME'],
  ['a hostname of two words', 'targets tcp://127.0.0.1:25\nhostname "a b"', 'is no name of a server'],
  [
    'a hostname that no DNS could hold',
    'targets tcp://127.0.0.1:25\nhostname xn--99999999',
    'cannot be written in ASCII',
  ],
  [
    'a password that is missing',
    'hostname x\ntargets tcp://a:25\nauth plain user',
    'auth plain takes a user and a password',
  ],
  ['too many words of auth', 'hostname x\ntargets tcp://a:25\nauth login u secret more', 'auth login takes'],
  ['another word of auth', 'hostname x\ntargets tcp://a:25\nauth cram-md5 u p', 'expected off | plain USER PASSWORD'],
  ['words after external', 'hostname x\ntargets tcp://a:25\nauth external x', 'auth external takes nothing more'],
  ['a block of auth', 'hostname x\ntargets tcp://a:25\nauth off {\nx\n}', 'auth takes no block'],
] as const) {
  test(`a target with ${what} is refused`, async () => {
    const found = await mistakes(`smtp tcp://127.0.0.1:0 {\nhostname x\ntls off\ndeliver_to smtp {\n${block}\n}\n}`)
    assert.ok(found.includes(reason), found)
    assert.ok(!found.includes('secret'))
  })
}

test('directives of former days are taken, and the administrator is told', async () => {
  await using next = await behaving()
  const directives = 'starttls yes\nattempt_starttls yes\nattempt_starttls no\nrequire_tls a b'
  await using relay = await relaying(to(next.port, directives))
  assert.equal((await relay.send()).at(-1), '250 2.0.0 OK: queued')
  const log = await relay.server.log()
  assert.match(log, /attempt_starttls is the old name of starttls, which it overrides/)
  assert.match(log, /require_tls has no effect/)
})

test('a target that is closed waits for no server any more', async () => {
  await using next = await behaving({ replies: { MAIL: 'SILENCE' } })
  const conf = `target.smtp relay {\ntargets tcp://127.0.0.1:${next.port}\nhostname mx.test\nstarttls no\n}`
  const relay = await instance(Target, conf)
  const beginning = relay.api.begin(sampleEnvelope('a@from.example')).catch((error: Error) => error.message)
  while (!next.seen.some((line) => line.startsWith('MAIL'))) await new Promise((resolve) => setImmediate(resolve))
  await relay[Symbol.asyncDispose]()
  assert.equal(await beginning, 'the server is shutting down')
  await next.closed()
})

test('a configuration that is reloaded hands mail to the servers it names', async () => {
  await using first = await behaving()
  await using second = await behaving()
  await using relay = await relaying(to(first.port))
  await relay.send()
  await relay.server.reload(`hostname mx.test\ntls off\nsmtp tcp://127.0.0.1:0 {\ndeliver_to ${to(second.port)}\n}`)
  await relay.send()
  assert.deepEqual([first.contents.length, second.contents.length], [1, 1])
})
