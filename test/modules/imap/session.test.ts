import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { createDeflateRaw, createInflateRaw } from 'node:zlib'
import { imapServer } from '../../support/imap_server.ts'
import { dialImap, dialImapTls } from '../../support/imap_wire.ts'
import { MemoryStorage } from '../../support/memory_storage.ts'
import { tlsOf } from '../../support/tls.ts'

test('tls:// speaks TLS from the first octet, and offers no STARTTLS', async () => {
  await using tls = await tlsOf('tls self_signed')
  await using server = await imapServer({ scheme: 'tls', settings: { tls: tls.tls, insecureAuth: false } })
  await using client = await dialImapTls(server.port)
  assert.doesNotMatch(await client.expect('* OK [CAPABILITY …AUTH=PLAIN…] …'), /STARTTLS|LOGINDISABLED/)
  await client.check('LOGIN user secret', 'OK …')
})

test('a session that is told to stop finishes its command and says BYE', async () => {
  await using server = await imapServer()
  await using waiting = await server.logIn()
  await using idling = await server.logIn()
  idling.send('a IDLE\r\n')
  await idling.expect('+ idling')
  await using sending = await server.logIn()
  sending.send('a APPEND INBOX {10}\r\n')
  await sending.expect('+ …')
  server.stop()
  assert.equal(await waiting.rest(), '* BYE Server shutting down\r\n')
  assert.equal(await idling.rest(), '* BYE Server shutting down\r\n')
  sending.send('a: b\r\n\r\nxx\r\n')
  assert.match(await sending.rest(), /^a OK \[APPENDUID [\s\S]*\* BYE Server shutting down\r\n$/)
})

test('a client that says nothing is logged out, sooner before it has logged in', async () => {
  await using server = await imapServer({ limits: { strangerIdle: 20, idle: 300 } })
  await using stranger = await server.dial()
  assert.equal(await stranger.rest(), '* BYE Logged out for inactivity\r\n')
  const started = performance.now()
  await using user = await server.logIn()
  assert.equal(await user.rest(), '* BYE Logged out for inactivity\r\n')
  assert.ok(performance.now() - started >= 290)
})

test('a client in IDLE that is gone for too long is logged out', async () => {
  await using server = await imapServer({ limits: { idle: 20 } })
  await using user = await server.logIn()
  user.send('a IDLE\r\n')
  assert.equal(await user.rest(), '+ idling\r\n* BYE Logged out for inactivity\r\n')
})

test('after bad commands in a row the connection is closed, sooner before login', async () => {
  await using server = await imapServer()
  await using stranger = await server.dial()
  stranger.send('a X\r\nb X\r\nc X\r\nd NOOP\r\n')
  assert.equal(
    await stranger.rest(),
    'a BAD Unknown command\r\nb BAD Unknown command\r\nc BAD Unknown command\r\n* BYE Too many bad commands\r\n',
  )
  await using user = await server.logIn()
  for (let round = 0; round < 3; round++) {
    for (let turn = 0; turn < 15; turn++) await user.check('WHATEVER', 'BAD Unknown command')
    await user.check('NOOP', 'OK …')
  }
})

test('ten thousand unknown commands bring an end, and the next client is served', async () => {
  await using server = await imapServer()
  await using user = await server.logIn()
  user.send('x WHATEVER\r\n'.repeat(10_000))
  const said = await user.rest()
  assert.match(said, /^(x BAD Unknown command\r\n){20}\* BYE Too many bad commands\r\n$/)
  await using next = await server.logIn()
  await next.check('NOOP', 'OK …')
})

test('garbage and endless lines are answered or ended, in bounded memory', async () => {
  await using server = await imapServer()
  for (const garbage of ['\0\0\0\0\r\n', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', '\x16\x03\x01\x02\0\x01\0\r\n\r\n\r\n']) {
    await using client = await server.dial()
    client.send(garbage)
    await client.expect('… BAD …')
  }
  await using endless = await server.dial()
  endless.send('a '.padEnd(2_000_000, 'x'))
  assert.match(await endless.rest(), /^\* BYE Line too long\r\n$/)
  await using long = await server.dial()
  long.send(`a ${'x'.repeat(100_000)}\r\nb NOOP\r\n`)
  await long.expect('a BAD Line too long')
  await long.expect('b OK …')
})

test('a huge literal before login is refused without memory for it', async () => {
  await using server = await imapServer()
  await using client = await server.dial()
  await client.check('LOGIN {99999999}', 'BAD [TOOBIG] …')
  await client.check('LOGIN {8193}', 'BAD [TOOBIG] …')
  client.send('a LOGIN {99999999+}\r\n')
  assert.equal(await client.rest(), '* BYE Literal too large\r\n')
})

test('before login no command but those for it may bring a literal', async () => {
  await using server = await imapServer()
  await using client = await server.dial()
  await client.check('APPEND INBOX {10}', 'NO Not authenticated')
  await client.check('WHATEVER {10}', 'BAD Unknown command')
})

test('a client that never reads does not hold up others, nor fill the memory', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.append('INBOX', `a: b\r\n\r\n${'x'.repeat(1_000_000)}`)
  await client.ok('SELECT INBOX')
  client.pause()
  client.send('a FETCH 1 BODY.PEEK[]\r\n'.repeat(200))
  await using other = await server.logIn()
  for (let turn = 0; turn < 50; turn++) await other.check('NOOP', 'OK …')
  assert.ok(process.memoryUsage().arrayBuffers < 150_000_000)
})

test('a storage that is down is told as such, and the session goes on', async () => {
  class Down extends MemoryStorage {
    override async open(name: string) {
      const account = await super.open(name)
      account.status = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.1'))
      account.mailboxes = () => Promise.reject(new TypeError('undefined is not a function'))
      return account
    }
  }
  await using server = await imapServer({ storage: new Down() })
  await using client = await server.logIn()
  await client.check('STATUS INBOX (MESSAGES)', 'NO [UNAVAILABLE] Temporarily unavailable, try again later')
  await client.check('LIST "" *', 'NO [SERVERBUG] Internal server error')
  await client.check('NOOP', 'OK …')
  assert.equal(server.lines.filter(({ event }) => event === 'command failed').length, 2)
})

test('COMPRESS is offered after login, once, and compresses both ways', { timeout: 20_000 }, async () => {
  await using server = await imapServer()
  const socket = connect(server.port, '127.0.0.1')
  const closed = once(socket, 'close')
  const inflate = createInflateRaw()
  const deflate = createDeflateRaw()
  try {
    let text = ''
    const until = async (end: RegExp, from: NodeJS.ReadableStream) => {
      while (!end.test(text)) text += String((await once(from, 'data'))[0])
      const all = text
      text = ''
      return all
    }
    await until(/ready\r\n$/, socket)
    socket.write('a LOGIN user secret\r\nb COMPRESS GZIP\r\nc COMPRESS DEFLATE\r\n')
    assert.match(await until(/c OK[^\n]*\n/, socket), /b BAD/)
    socket.pipe(inflate)
    deflate.pipe(socket)
    const send = (line: string) => {
      deflate.write(line)
      deflate.flush()
    }
    send('d COMPRESS DEFLATE\r\n')
    assert.match(await until(/\n$/, inflate), /^d NO \[COMPRESSIONACTIVE\]/)
    send(`e APPEND INBOX {200000+}\r\n${'x'.repeat(200_000)}\r\n`)
    assert.match(await until(/\n$/, inflate), /^e OK/)
    send('f SELECT INBOX\r\ng FETCH 1 BODY.PEEK[]\r\n')
    assert.match(await until(/g OK[^\n]*\n$/, inflate), /BODY\[\] \{200000\}\r\nx{200000}\)/)
    send('h CAPABILITY\r\ni LOGOUT\r\n')
    const rest = await until(/i OK[^\n]*\n$/, inflate)
    assert.doesNotMatch(rest, /COMPRESS/)
    await closed
  } finally {
    socket.destroy()
    inflate.destroy()
    deflate.destroy()
  }
})

test('a stream that is no deflate ends the session alone', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.check('COMPRESS DEFLATE', 'OK …')
  client.send('\xff\xff\xff\xff NOOP\r\n'.repeat(100))
  await client.rest()
  await using next = await server.logIn()
  await next.check('NOOP', 'OK …')
})

test('the dialogue can be logged, but no password and no message', async () => {
  await using server = await imapServer({ settings: { ioDebug: true } })
  await using client = await server.dial()
  await client.check('LOGIN user secret', 'OK …')
  await client.append('INBOX', 'Subject: confidential\r\n\r\nconfidential\r\n')
  await client.ok('SELECT INBOX')
  await client.ok('FETCH 1 BODY[]')
  await client.check(`AUTHENTICATE PLAIN ${Buffer.from('\0user\0secret').toString('base64')}`, 'NO …')
  const said = server.lines.filter(({ event }) => event === 'dialogue').map(({ fields }) => String(fields.line))
  assert.ok(said.some((line) => line.startsWith('C: ') && line.includes('SELECT INBOX')))
  assert.ok(said.some((line) => line.startsWith('S: ') && line.includes('EXISTS')))
  const all = said.join('\n')
  assert.doesNotMatch(all, /secret|confidential/)
  assert.ok(!all.includes(Buffer.from('\0user\0secret').toString('base64')))
})

test('an octet at a time is as good as a packet', async () => {
  await using server = await imapServer()
  await using client = await dialImap(server.port)
  await client.expect('* OK …')
  for (const octet of 'a LOGIN user {6+}\r\nsecret\r\nb NOOP\r\n') await client.packet(octet)
  await client.expect('a OK …')
  await client.expect('b OK …')
})
