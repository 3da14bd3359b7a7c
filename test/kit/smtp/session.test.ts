import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from './recorder.ts'

test('a message is received', async () => {
  await using server = await serve()
  await using client = await server.dial()
  await client.expect('220 mx.h.example ESMTP Service Ready')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<a@h.example>', '250 2.0.0 Roger, accepting mail from <a@h.example>')
  await client.command('RCPT TO:<b@h.example>', "250 2.0.0 I'll make sure <b@h.example> gets this")
  await client.command('DATA', '354 Go ahead. End your data with <CR><LF>.<CR><LF>')
  await client.command('Subject: x\r\n\r\nHello\r\n..\r\n.', '250 2.0.0 OK: queued')
  await client.command('QUIT', '221 2.0.0 Bye')
  await client.closed()
  assert.deepEqual(server.recorder.messages, [
    { from: 'a@h.example', to: ['b@h.example'], content: 'Subject: x\r\n\r\nHello\r\n.\r\n' },
  ])
})

test('EHLO lists the extensions in their order', async () => {
  await using server = await serve()
  await using client = await server.dial()
  await client.expect('220 *')
  assert.equal(
    await client.command('EHLO client.example and more', '250 LIMITS RCPTMAX=20000'),
    [
      '250-Hello client.example',
      '250-PIPELINING',
      '250-8BITMIME',
      '250-ENHANCEDSTATUSCODES',
      '250-CHUNKING',
      '250-SMTPUTF8',
      '250-SIZE 33554432',
      '250 LIMITS RCPTMAX=20000',
    ].join('\n'),
  )
})

test('without limits SIZE is bare, and LIMITS absent', async () => {
  await using server = await serve({ maxMessageSize: 0, maxRecipients: 0 })
  await using client = await server.dial()
  await client.expect('220 *')
  assert.match(await client.command('EHLO c', '250 SIZE'), /SMTPUTF8\n250 SIZE$/)
})

test('HELO has one line', async () => {
  await using server = await serve()
  await using client = await server.dial()
  await client.expect('220 *')
  assert.equal(await client.command('HELO c.example', '250 2.0.0 Hello c.example'), '250 2.0.0 Hello c.example')
})

const afterGreeting: readonly (readonly [string, string])[] = [
  ['MAIL FROM:a@h.example', '250 2.0.0 Roger, accepting mail from <a@h.example>'],
  ['mail from: <a@h.example> size=10 body=8bitmime smtputf8 requiretls', '250 2.0.0 *'],
  ['MAIL FROM:<>', '250 2.0.0 Roger, accepting mail from <>'],
  ['MAIL FROM:<@x.example,@y.example:u@d.example>', '250 2.0.0 *<u@d.example>'],
  ['MAIL FROM:<"a b"@d.example>', '250 2.0.0 *'],
  ['MAIL FROM:<a@h.example> AUTH=<>', '250 2.0.0 *'],
  ['MAIL FROM:<a@h.example> AUTH=e+3Dmc2@example.com', '250 2.0.0 *'],
  ['MAIL FROM:<a@h.example> AUTH=nobody', '500 5.5.4 *'],
  ['MAIL FROM:<a>', '501 5.5.2 Was expecting MAIL arg syntax of FROM:<address>'],
  ['MAIL FROM:<a@h.example', '501 5.5.2 *'],
  ['MAIL FROM:<a@h.example>x', '501 5.5.2 *'],
  ['MAIL FROM:<a@b@h.example>', '501 5.5.2 *'],
  ['MAIL FROM:<a\x01@h.example>', '501 5.5.2 *'],
  ['MAIL TO:<a@h.example>', '501 5.5.2 *'],
  ['MAIL FROM', '501 5.5.2 *'],
  ['MAIL FROM:<a@h.example> SIZE=x', '501 5.5.4 Unable to parse SIZE as an integer'],
  ['MAIL FROM:<a@h.example> SIZE=99999999', '552 5.3.4 Max message size exceeded'],
  ['MAIL FROM:<a@h.example> BODY=BINARYMIME', '504 5.5.4 BINARYMIME is not implemented'],
  ['MAIL FROM:<a@h.example> BODY=9BIT', '501 5.5.4 Unknown BODY value'],
  ['MAIL FROM:<a@h.example> RET=FULL', '504 5.5.4 RET is not implemented'],
  ['MAIL FROM:<a@h.example> FOO=1', '500 5.5.4 Unknown MAIL FROM argument'],
  ['MAIL FROM:<a@h.example> a=b=c', '501 5.5.4 Unable to parse MAIL ESMTP parameters'],
  ['MAIL FROM:<a@h.example> SIZE=1 SIZE=2', '501 5.5.4 *'],
  ['RCPT TO:<b@h.example>', '502 5.5.1 Missing MAIL FROM command.'],
  ['DATA', '502 5.5.1 Missing RCPT TO command.'],
  ['DATA now', '501 5.5.4 DATA command should not have any arguments'],
  ['BDAT', '501 5.5.4 Missing chunk size argument'],
  ['BDAT x', '501 5.5.4 Malformed size argument'],
  ['BDAT 0', '502 5.5.1 Missing RCPT TO command.'],
  ['BDAT 0 FIRST', '501 5.5.4 Unknown BDAT argument'],
  ['BDAT 0 LAST 2', '501 5.5.4 Too many arguments'],
  ['RSET', '250 2.0.0 Session reset'],
  ['noop', '250 2.0.0 I have successfully done nothing'],
  ['VRFY a', '252 2.5.0 Cannot VRFY user, but will accept message'],
  ['EXPN a', '502 5.5.1 EXPN command not implemented'],
  ['HELP', '502 5.5.1 HELP command not implemented'],
  ['FOOO', '500 5.5.2 Syntax errors, FOOO command unrecognized'],
  ['', '500 5.5.2 Error: bad syntax'],
  ['FOO', '501 5.5.2 *'],
  ['NOOPS', '501 5.5.2 *'],
  ['NOOPSY', '501 5.5.2 *'],
  ['LHLO c', '500 5.5.1 This is not a LMTP server'],
  ['EHLO', '501 5.5.2 Domain/address argument required for HELO'],
  ['STARTTLS', '502 5.5.1 TLS not supported'],
  ['STARTTLS now', '501 5.5.4 *'],
  ['AUTH PLAIN', '523 5.7.10 TLS is required'],
  ['AUTH', '502 5.5.4 Missing parameter'],
  ['EHLO banned', '554 5.7.1 Go away, Zo?'],
]

for (const [line, reply] of afterGreeting) {
  test(`after the greeting ${JSON.stringify(line)} is answered ${reply}`, async () => {
    await using server = await serve()
    await using client = await server.greeted()
    await client.command(line, reply)
  })
}

for (const line of ['MAIL FROM:<a@h.example>', 'AUTH PLAIN']) {
  test(`before the greeting ${line} is refused`, async () => {
    await using server = await serve()
    await using client = await server.dial()
    await client.expect('220 *')
    await client.command(line, '502 5.5.1 Please introduce yourself first.')
  })
}

for (const [line, reply] of [
  ['RCPT TO:<postmaster>', '501 5.5.2 Was expecting RCPT arg syntax of TO:<address>'],
  ['RCPT TO:<>', '501 5.5.2 *'],
  ['RCPT TO:<b@h.example> NOTIFY=NEVER', '504 5.5.4 NOTIFY is not implemented'],
  ['RCPT TO:<b@h.example> FOO', '500 5.5.4 Unknown RCPT TO argument'],
  ['RCPT TO:<b@h.example> =', '501 5.5.4 Unable to parse RCPT ESMTP parameters'],
  ['DATA', '502 5.5.1 Missing RCPT TO command.'],
] as const) {
  test(`after MAIL ${line} is answered ${reply}`, async () => {
    await using server = await serve()
    await using client = await server.greeted()
    await client.command('MAIL FROM:<a@h.example>', '250 *')
    await client.command(line, reply)
  })
}

test('quotes of the wire are taken off a local part', async () => {
  await using server = await serve()
  await using client = await server.greeted()
  await client.command('MAIL FROM:<"a b\\"c"@d.example>', '250 *')
  await client.command('RCPT TO:<"x@y"@d.example>', '250 *')
  await client.command('DATA', '354 *')
  await client.command('.', '250 *')
  assert.deepEqual(server.recorder.messages, [{ from: 'a b"c@d.example', to: ['x@y@d.example'], content: '' }])
})

test('only accepted recipients count, and one too many leaves the others', async () => {
  await using server = await serve({ maxRecipients: 2 })
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<550@h.example>', '550 5.7.1 No')
  await client.command('RCPT TO:<b@h.example>', '250 *')
  await client.command('RCPT TO:<c@h.example>', '250 *')
  await client.command('RCPT TO:<d@h.example>', '452 4.5.3 Maximum limit of 2 recipients reached')
  await client.command('DATA', '354 *')
  await client.command('.', '250 *')
  assert.deepEqual(server.recorder.messages[0]?.to, ['b@h.example', 'c@h.example'])
})

test('DATA needs a recipient that was accepted', async () => {
  await using server = await serve()
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<550@h.example>', '550 *')
  await client.command('DATA', '502 5.5.1 *')
})

test('a fourth protocol error ends the connection', async () => {
  await using server = await serve()
  await using client = await server.greeted()
  for (let i = 0; i < 3; i++) await client.command('WHAT', '500 5.5.2 *')
  await client.command('WHAT', '500 5.5.2 *')
  await client.expect('500 5.5.1 Too many errors. Quiting now')
  await client.closed()
})

test('a line of commands that is too long ends the connection', async () => {
  await using server = await serve({ maxLineLength: 1000 })
  await using client = await server.greeted()
  await client.command(`NOOP ${'x'.repeat(993)}`, '250 *') // 998 and CRLF
  await client.command(`NOOP ${'x'.repeat(1000)}`, '500 5.4.0 Too long line, closing connection')
  await client.closed()
})

test('a line without an end does not fill the memory', async () => {
  await using server = await serve()
  await using client = await server.greeted()
  client.send('x'.repeat(100_000))
  await client.expect('500 5.4.0 *')
  await client.closed()
})

test('ten thousand commands in one go are each answered', async () => {
  await using server = await serve()
  await using client = await server.greeted()
  client.send('NOOP\r\n'.repeat(10_000))
  for (let i = 0; i < 10_000; i++) await client.expect('250 2.0.0 *')
})

test('ten thousand unknown commands in one go get no further than the fourth', async () => {
  await using server = await serve()
  await using client = await server.greeted()
  client.send('HACK\r\n'.repeat(10_000))
  assert.equal((await client.rest()).match(/command unrecognized/g)?.length, 4)
})

test('what is sent before the banner is served after it', async () => {
  await using server = await serve()
  await using client = await server.dial()
  client.send('EHLO c\r\nNOOP\r\n')
  await client.expect('220 *')
  await client.expect('250 *')
  await client.expect('250 2.0.0 *')
})

test('a whole pipelined session works, with a message that fits into one packet', async () => {
  await using server = await serve()
  await using client = await server.dial()
  const transaction = 'MAIL FROM:<a@h.example>\r\nRCPT TO:<b@h.example>\r\nDATA\r\nA: b\r\n\r\nc\r\n.\r\n'
  client.send(`EHLO c\r\n${transaction}${transaction}QUIT\r\n`)
  for (const reply of ['220', '250', '250', '250', '354', '250', '250', '250', '354', '250', '221']) {
    await client.expect(`${reply} *`)
  }
  await client.closed()
  assert.deepEqual(
    server.recorder.messages.map(({ content }) => content),
    ['A: b\r\n\r\nc\r\n', 'A: b\r\n\r\nc\r\n'],
  )
})

test('MAIL without RSET begins anew', async () => {
  await using server = await serve()
  await using client = await server.ready()
  await client.command('MAIL FROM:<c@h.example>', '250 *')
  await client.command('DATA', '502 5.5.1 *')
  await client.command('RCPT TO:<d@h.example>', '250 *')
  await client.command('DATA', '354 *')
  await client.command('.', '250 *')
  assert.deepEqual(server.recorder.messages, [{ from: 'c@h.example', to: ['d@h.example'], content: '' }])
})

test('EHLO ends the transaction', async () => {
  await using server = await serve()
  await using client = await server.ready()
  await client.command('EHLO again', '250 *')
  await client.command('RCPT TO:<b@h.example>', '502 5.5.1 *')
  assert.ok(server.recorder.events.includes('reset'))
})

test('a crash is told as 421, and ends the connection', async () => {
  await using server = await serve()
  await using client = await server.dial()
  await client.expect('220 *')
  await client.command('EHLO crash', '421 4.0.0 Internal server error')
  await client.closed()
  assert.match(String(server.failures[0]), /crash/)
})

test('a 421 that refuses a recipient leaves the connection open', async () => {
  await using server = await serve()
  await using client = await server.ready()
  await client.command('RCPT TO:<421@h.example>', '421 *')
  await client.command('NOOP', '250 *')
})

test('a client that leaves in the middle of a message has sent none', async () => {
  await using server = await serve()
  await using client = await server.ready()
  await client.command('DATA', '354 *')
  await client.packet('Subject: x\r\n\r\nHello')
  client.destroy()
  await Promise.all(server.ended)
  assert.deepEqual(server.recorder.messages, [])
  assert.equal(server.recorder.events.at(-1), 'close')
})

test('a message over the limit is refused once all of it is in, and the session goes on', async () => {
  await using server = await serve({ maxMessageSize: 1000 })
  await using client = await server.ready()
  await client.command('DATA', '354 *')
  await client.command(`${`${'x'.repeat(98)}\r\n`.repeat(20)}.`, '552 5.3.4 Max message size exceeded')
  await client.command('MAIL FROM:<a@h.example>', '250 *')
})

test('a message of exactly the limit is accepted', async () => {
  await using server = await serve({ maxMessageSize: 1000 })
  await using client = await server.ready()
  await client.command('DATA', '354 *')
  await client.command(`${`${'x'.repeat(98)}\r\n`.repeat(10)}.`, '250 *')
})

test('a line of DATA that is too long ends the connection', async () => {
  await using server = await serve()
  await using client = await server.ready()
  await client.command('DATA', '354 *')
  client.send('x'.repeat(5000))
  await client.expect('554 5.0.0 *')
  await client.expect('500 5.4.0 Too long line, closing connection')
  await client.closed()
})

test('a line of DATA of the longest safe length passes', async () => {
  await using server = await serve()
  await using client = await server.ready()
  await client.command('DATA', '354 *')
  await client.command(`${'x'.repeat(3998)}\r\n.`, '250 *')
})

test('SMTPUTF8 lets replies have more than ASCII', async () => {
  await using server = await serve()
  await using client = await server.greeted()
  await client.command('MAIL FROM:<é@h.example>', '250 2.0.0 Roger, accepting mail from <?@h.example>')
  await client.command('MAIL FROM:<é@h.example> SMTPUTF8', '250 2.0.0 Roger, accepting mail from <é@h.example>')
})
