import assert from 'node:assert/strict'
import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { zone } from '../../core/kit/dns/memory.ts'
import { hashNow } from '../../core/kit/password/format.ts'
import { Accounts } from '../../core/mail/storage.ts'
import { serve, type TestServer } from '../support/server.ts'
import { dial, dialTls, type WireClient } from '../support/wire.ts'
import { type RandomSession, RandomSessions } from './smtp_sessions.ts'
import { seeded } from './support.ts'

/** For a long run by hand: TSMADDY_FUZZ_SECONDS=600 TSMADDY_FUZZ_SEED=7 node --test test/scenario/fuzz_smtp.test.ts */
const seconds = Number(process.env.TSMADDY_FUZZ_SECONDS ?? 0)
const seed = Number(process.env.TSMADDY_FUZZ_SEED ?? 1)

/** How many sessions there are at least, before memory is looked at and after; and how many go on at a time. */
const warmUp = 200
const least = 200
const clients = 8
/** How long a session may last; milliseconds. */
const patience = 20_000
/** What may be left on the heap of all sessions after the first; bytes. */
const growth = 24_000_000

const slots = 16

const conf = (secret: string) => `
  hostname mx.h.example
  tls self_signed
  auth.pass_table credentials {
    table static {
      entry ann@h.example "${secret}"
    }
  }
  storage.imapsql mailboxes {
    driver sqlite3
    dsn imapsql.db
    msg_store sql
  }
  limits shared {
    all concurrency ${slots}
    ip concurrency ${slots}
    source concurrency ${slots}
  }
  table.static aliases {
    entry alias@h.example ann@h.example
    entry list@h.example ann@h.example bob@h.example
  }
  checks usual {
    require_mx_record {
      fail_action quarantine
    }
    require_matching_rdns {
      fail_action ignore
    }
    require_tls {
      fail_action ignore
    }
    dnsbl {
      check_early yes
      bl.example {
        ehlo yes
      }
    }
    spf
    dkim
    arc
  }
  smtp tcp://127.0.0.1:0 tls://127.0.0.1:0 {
    ${common}
    dmarc yes
    check &usual
    modify {
      replace_rcpt &aliases
    }
    destination h.example {
      check &usual
      deliver_to &mailboxes
    }
    default_destination {
      reject 550 5.1.1 "No such user"
    }
  }
  submission tcp://127.0.0.1:0 tls://127.0.0.1:0 {
    ${common}
    source h.example {
      check {
        authorize_sender
      }
      modify {
        replace_rcpt &aliases
        dkim {
          domains h.example
          selector sel
          newkey_algo ed25519
        }
      }
      deliver_to &mailboxes
    }
    default_source {
      reject 501 5.1.8 "Not from here"
    }
  }
  lmtp tcp://127.0.0.1:0 tls://127.0.0.1:0 {
    tls self_signed
    ${common}
    dmarc yes
    check &usual
    reroute {
      check &usual
      deliver_to &mailboxes
    }
  }`

const common = `
    auth &credentials
    insecure_auth yes
    sasl_login yes
    limits &shared
    max_message_size 20K
    max_header_size 4K
    max_recipients 3
    smtp_max_line_length 1000
    read_timeout 10s
    buffer auto 1K`

const dns = zone({
  '127.0.0.1': { PTR: ['c.example.'] },
  'c.example': { A: ['127.0.0.1'] },
  'c.example.bl.example': { A: ['127.0.0.2'] },
  'h.example': { MX: ['10 mx.h.example.'], A: ['127.0.0.1'], TXT: ['v=spf1 ip4:127.0.0.0/8 -all'] },
  'sel._domainkey.h.example': { TXT: ['v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='] },
  '_dmarc.h.example': { TXT: ['v=DMARC1; p=quarantine'] },
  'fail.example': { MX: ['0 .'], TXT: ['v=spf1 -all exp=why.fail.example'] },
  'why.fail.example': { TXT: ['%{i} is no %{d}'] },
  '_dmarc.fail.example': { TXT: ['v=DMARC1; p=reject'] },
  'loop.example': { TXT: ['v=spf1 include:loop.example -all'], MX: ['1 loop.example.'] },
  'broken.example': { TXT: ['v=spf1 foo:bar', 'v=spf1 +all'], MX: ['1 broken.example.'] },
  'macro.example': { TXT: ['v=spf1 exists:%{l1r-}.%{ir}.%{v}.%{h}.macro.example ?all'], MX: ['1 macro.example.'] },
  'bücher.example': { MX: ['1 mx.h.example.'] },
  'temporary.example': { fails: 'SERVFAIL' },
  'sel._domainkey.temporary.example': { fails: 'timeout' },
})

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

/** What is still in use of the heap and of buffers; bytes. */
const memory = async (): Promise<number> => {
  for (let times = 0; times < 3; times++) {
    collectGarbage()
    await pause(20)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const sockets = (): number =>
  process.getActiveResourcesInfo().filter((each) => each === 'TCPSocketWrap' || each === 'TLSWrap').length

const connect = async (server: TestServer, { endpoint, tls }: RandomSession): Promise<WireClient> => {
  if (tls === 'implicit') return await dialTls(server.port(endpoint, 1))
  const client = await dial(server.port(endpoint))
  if (tls === 'none') return client
  await client.expect('220 *')
  await client.command(`${endpoint === 'lmtp' ? 'LHLO' : 'EHLO'} tls.example`, '250 *')
  await client.command('STARTTLS', '220 *')
  await client.startTls()
  return client
}

/** Plays a session. Gives what the server said, when that was read to its end. */
const play = async (server: TestServer, session: RandomSession): Promise<string> => {
  await using client = await connect(server, session)
  for (const packet of session.packets) await client.packet(packet)
  if (session.end === 'gone') return ''
  client.end()
  return await client.rest()
}

const replies = /^(?:[2345]\d\d[ -][^\r\n]*\r\n)*$/
const unforeseen = /Internal server error/
const mistakes = /: (?:command|check|session|abort) failed\t|\b(?:Type|Range|Reference|Syntax)Error\b/

test('whatever clients say in whatever order, the server answers, forgets them, and serves the next', async (t) => {
  await using server = await serve(conf(hashNow('secret', { hash: 'argon2', argon2Time: 1, argon2Memory: 8 })), { dns })
  const accounts = await server.find('mailboxes', Accounts)
  for (const name of ['ann@h.example', 'bob@h.example']) await accounts.create(name, [])
  const sessions = new RandomSessions(seeded(seed))
  const before = sockets()
  let played = 0
  let commands = 0
  let accepted = 0

  const playOn = async (goesOn: () => boolean): Promise<void> => {
    while (goesOn()) {
      const number = ++played
      const session = sessions.next()
      commands += session.commands
      const late = pause(patience, 'late', { ref: false })
      const said = await Promise.race([play(server, session), late])
      const shown = () =>
        `seed ${seed}, session ${number}: ${JSON.stringify(Buffer.concat(session.packets).toString('latin1'))}`
      assert.notEqual(said, 'late', `this does not end: ${shown()}`)
      assert.doesNotMatch(said, unforeseen, shown())
      // Octets of a failed handshake are no replies.
      if (!/^220 2\.0\.0 Ready/m.test(said)) assert.match(said, replies, shown())
    }
  }
  const logIsClean = async (): Promise<void> => {
    const lines = (await server.log()).split('\n')
    assert.deepEqual(
      lines.filter((line) => mistakes.test(line)),
      [],
    )
    accepted += lines.filter((line) => line.includes(': accepted\t')).length
    await truncate(join(server.directory, 'log'))
  }
  const round = async (goesOn: () => boolean): Promise<void> => {
    await Promise.all(Array.from({ length: clients }, () => playOn(goesOn)))
    await logIsClean()
  }

  await round(() => played < warmUp)
  const earlier = await memory()
  const until = performance.now() + seconds * 1000
  do {
    const enough = played + least
    await round(() => played < enough)
  } while (performance.now() < until)

  for (let waits = 0; sockets() > before && waits < 500; waits++) await pause(20)
  assert.equal(sockets(), before, 'connections are left open')
  const grown = (await memory()) - earlier
  t.diagnostic(
    `seed ${seed}: ${played} sessions, ${commands} commands, ${accepted} messages accepted; ` +
      `${earlier} bytes in use before, ${grown} more after`,
  )
  assert.ok(accepted > played / 10, 'hardly anything was accepted')
  assert.ok(grown < growth, `${grown} bytes more are in use`)
  await servesAll(server)
})

/** All slots are free, and a message passes through each endpoint. */
const servesAll = async (server: TestServer): Promise<void> => {
  await using held = new AsyncDisposableStack()
  for (let slot = 0; slot < slots; slot++) {
    const client = held.use(await dial(server.port('smtp')))
    await client.expect('220 *')
    await client.command('EHLO mx.h.example', '250 *')
    await client.command('MAIL FROM:<ann@h.example>', '250 *')
    await client.command('RCPT TO:<ann@h.example>', '250 *')
  }
  await held.disposeAsync()
  for (const endpoint of ['smtp', 'submission', 'lmtp'] as const) {
    await using client = await dial(server.port(endpoint))
    await client.expect('220 *')
    await client.command(`${endpoint === 'lmtp' ? 'LHLO' : 'EHLO'} mx.h.example`, '250 *')
    if (endpoint === 'submission') await client.command('AUTH PLAIN AGFubkBoLmV4YW1wbGUAc2VjcmV0', '235 *')
    await client.command('MAIL FROM:<ann@h.example>', '250 *')
    await client.command('RCPT TO:<ann@h.example>', '250 *')
    await client.command('DATA', '354 *')
    await client.command('From: <ann@h.example>\r\n\r\nHello\r\n.', '250 2.0.0 *OK: queued')
  }
}
