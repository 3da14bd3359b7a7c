import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Context, Envelope, Inspection, Message, Verdict } from '../../../core/index.ts'
import { Checks } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import module from '../../../modules/check/command.ts'
import { instance, serve } from '../../support/server.ts'
import { sampleEnvelope, sampleMessage } from '../../support/target.ts'

/** A check that runs a shell script, whose own arguments are those given. */
const command = async (script: string, args = '', directives = '') => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'check.sh')
  await writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o700 })
  const made = stack.use(await instance(Checks, `checks group {\n command ${file} ${args} {\n${directives}\n}\n}`))
  const [check] = made.api.checks
  assert.ok(check)
  const held = stack.move()
  return {
    check,
    directory: made.directory,
    /** What the script has written to that file beside it. */
    written: (name: string) => readFile(join(folder, name), 'utf8'),
    folder,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

const patient = () => AbortSignal.timeout(20_000)
const sender = parseAddress('a@from.example')
const rcpt = parseAddress('b@to.example')

/** Every stage of one message, in order; what each of them said. */
const stages = async (inspection: Inspection, message: Message = sampleMessage(), signal = patient()) => ({
  conn: await inspection.connection?.(signal),
  sender: await inspection.sender?.(sender, signal),
  rcpt: await inspection.recipient?.(rcpt, signal),
  body: await inspection.message?.(message, signal),
})

const judged = async (script: string, directives = '', message?: Message): Promise<Verdict | undefined> => {
  await using made = await command(script, '', directives)
  return (await stages(made.check.begin(sampleEnvelope('a@from.example')), message)).body
}

const fieldsOf = (verdict: Verdict | undefined): string[] =>
  (verdict?.fields ?? []).map((field) => Buffer.from(field).toString())

/** `reject 550 5.7.1 text`, or `pass`. */
const outcome = (verdict: Verdict | undefined): string => {
  const { reason, action } = verdict ?? {}
  return reason ? `${action} ${reason.code} ${reason.enhanced} ${reason.message}` : 'pass'
}

const policy = 'Message rejected for due to a local policy'
const failed = 'reject 450 4.0.0 Internal server error'

for (const [what, script, directives, expected] of [
  ['status 0 passes', 'exit 0', '', 'pass'],
  ['status 1 rejects', 'exit 1', '', `reject 550 5.7.1 ${policy}`],
  ['status 2 quarantines', 'exit 2', '', `quarantine 550 5.7.1 ${policy}`],
  ['a status without an action is refused for now', 'exit 7', '', failed],
  ['an action with words of its own', 'exit 7', 'code 7 reject 552 5.2.2 "too big"', 'reject 552 5.2.2 too big'],
  ['an action may be to ignore', 'exit 1', 'code 1 ignore', `ignore 550 5.7.1 ${policy}`],
  ['naming one status leaves the usual others', 'exit 2', 'code 7 reject', `quarantine 550 5.7.1 ${policy}`],
  [
    'of two actions for one status the later counts',
    'exit 7',
    'code 7 reject\ncode 7 quarantine',
    `quarantine 550 5.7.1 ${policy}`,
  ],
  ['status 0 passes whatever it is said to mean', 'exit 0', 'code 0 reject', 'pass'],
  ['death by a signal is refused for now', 'kill -9 $$', '', failed],
  ['death by a signal is status -1', 'kill -9 $$', 'code -1 quarantine', `quarantine 550 5.7.1 ${policy}`],
  ['output that is no header is refused for now', 'echo no colon here', '', failed],
  ['output that begins with white space is refused for now', 'echo " X-A: 1"', '', failed],
  ['a bare CR in the output is refused for now', "printf 'X-A: 1\\rX-B: 2\\n'", '', failed],
  ['a program that does not read the message passes', 'exec 0<&-; exit 0', '', 'pass'],
  ['an endless output that is no header is stopped', 'exec yes no', '', failed],
  ['an endless header is stopped', 'exec yes "X-A: 1"', '', failed],
] as const) {
  test(what, async () => {
    assert.equal(outcome(await judged(script, directives)), expected)
  })
}

test('fields that the program prints go on top, as printed, with CRLF', async () => {
  const verdict = await judged('printf "X-A: 1\\nX-B: two\\n  folded\\r\\nX-C: \\303\\244\\n"; cat > /dev/null')
  assert.deepEqual(fieldsOf(verdict), ['X-A: 1\r\n', 'X-B: two\r\n  folded\r\n', 'X-C: ä\r\n'])
})

test('fields are added whatever the status leads to', async () => {
  for (const status of ['0', '1', '2']) {
    assert.deepEqual(fieldsOf(await judged(`echo "X-A: 1"; exit ${status}`)), ['X-A: 1\r\n'])
  }
})

test('a field whose line does not end is a field', async () => {
  assert.deepEqual(fieldsOf(await judged('printf "X-A: 1"')), ['X-A: 1\r\n'])
})

test('an empty line ends the header, and what follows is thrown away, however long', async () => {
  const verdict = await judged('printf "X-A: 1\\n\\nno colon \\r here\\n"; head -c 1000000 /dev/zero')
  assert.equal(outcome(verdict), 'pass')
  assert.deepEqual(fieldsOf(verdict), ['X-A: 1\r\n'])
})

test('the program reads header, empty line and body as they came', async () => {
  await using made = await command('cat > "$0.in"')
  const message = sampleMessage('Subject: odd \r\n\tfold\r\nX: ä\r\n', 'one\r\n.\r\ntwo\n')
  await stages(made.check.begin(sampleEnvelope('a@from.example')), message)
  assert.equal(await made.written('check.sh.in'), 'Subject: odd \r\n\tfold\r\nX: ä\r\n\r\none\r\n.\r\ntwo\n')
})

test('a message much larger than a pipe goes through the program and comes back', async () => {
  const verdict = await judged('echo "X-Size: $(wc -c)"', '', sampleMessage('A: b\r\n', 'x'.repeat(5_000_000)))
  assert.deepEqual(
    fieldsOf(verdict).map((field) => field.replace(/ +/, ' ')),
    ['X-Size: 5000008\r\n'],
  )
})

test('at other stages than the message standard input is empty', async () => {
  for (const stage of ['conn', 'sender', 'rcpt'] as const) {
    await using made = await command('cat > "$0.in"', '', `run_on ${stage}`)
    await stages(made.check.begin(sampleEnvelope('a@from.example')))
    assert.equal(await made.written('check.sh.in'), '')
  }
})

test('the program runs at its stage and at no other', async () => {
  for (const stage of ['conn', 'sender', 'rcpt', 'body'] as const) {
    await using made = await command('echo run >> "$0.runs"; exit 1', '', `run_on ${stage}`)
    const said = await stages(made.check.begin(sampleEnvelope('a@from.example')))
    assert.deepEqual(
      Object.entries(said).flatMap(([name, verdict]) => (verdict ? [name] : [])),
      [stage],
    )
    assert.equal(await made.written('check.sh.runs'), 'run\n')
  }
})

const names = ['source_ip', 'source_host', 'source_rdns', 'msg_id', 'auth_user', 'sender', 'rcpts', 'address']
const printing = 'for each in "$@"; do printf "<%s>" "$each"; done >> "$0.args"'

const envelope: Envelope = {
  ...sampleEnvelope('a@from.example'),
  origin: {
    protocol: 'ESMTP',
    helo: '$(id); `touch x` "quoted"',
    peer: { ip: '192.0.2.7', port: 1 },
    rdns: 'client.example',
    user: 'User',
    tls: null,
  },
}

for (const [stage, told] of [
  ['conn', ['', '', '']],
  ['sender', ['a@from.example', '', 'a@from.example']],
  ['rcpt', ['a@from.example', 'b@to.example', 'b@to.example']],
  ['body', ['a@from.example', 'b@to.example', '']],
] as const) {
  test(`placeholders at the stage ${stage} are one argument each, whatever is in them`, async () => {
    await using made = await command(printing, names.map((name) => `{${name}}`).join(' '), `run_on ${stage}`)
    await stages(made.check.begin(envelope))
    const values = ['192.0.2.7', envelope.origin.helo, 'client.example', '0badcafe', 'User', ...told]
    assert.equal(await made.written('check.sh.args'), values.map((value) => `<${value}>`).join(''))
  })
}

test('what is not known of the client is empty', async () => {
  await using made = await command(printing, '{source_ip} {source_rdns} {auth_user}')
  const origin = { ...envelope.origin, peer: null, rdns: null, user: null }
  await stages(made.check.begin({ ...envelope, origin }))
  assert.equal(await made.written('check.sh.args'), '<><><>')
})

test('a placeholder may stand anywhere in an argument; unknown ones stay, and none is looked for in a value', async () => {
  await using made = await command(printing, '--from={sender}/{nope} "{source_host}{msg_id}"')
  await stages(made.check.begin({ ...envelope, origin: { ...envelope.origin, helo: '{sender}' } }))
  assert.equal(await made.written('check.sh.args'), '<--from=a@from.example/{nope}><{sender}0badcafe>')
})

test('recipients come one on each line, up to the one at hand', async () => {
  await using made = await command(printing, '{rcpts}', 'run_on rcpt')
  const inspection = made.check.begin(envelope)
  for (const to of ['b@to.example', 'c@to.example']) await inspection.recipient?.(parseAddress(to), patient())
  assert.equal(await made.written('check.sh.args'), '<b@to.example><b@to.example\nc@to.example>')
})

test('the null sender is empty', async () => {
  await using made = await command(printing, '{sender} {address}', 'run_on sender')
  await made.check.begin(sampleEnvelope('')).sender?.(null, patient())
  assert.equal(await made.written('check.sh.args'), '<><>')
})

test('messages at the same time do not know of each other', async () => {
  await using made = await command(printing, '{rcpts}')
  const [one, two] = [made.check.begin(envelope), made.check.begin(envelope)]
  await one.recipient?.(rcpt, patient())
  await two.message?.(sampleMessage(), patient())
  assert.equal(await made.written('check.sh.args'), '<>')
})

test('the program runs in the state directory, with the environment of the server', async () => {
  await using made = await command('pwd > "$0.at"; echo "$PATH" >> "$0.at"')
  await stages(made.check.begin(envelope))
  assert.equal(await made.written('check.sh.at'), `${made.directory}\n${process.env.PATH}\n`)
})

test('a program that hangs is killed at the deadline, and the stage rejects', async () => {
  await using made = await command('echo $$ > "$0.pid"; sleep 1000 & wait')
  const stop = new AbortController()
  const running = made.check.begin(envelope).message?.(sampleMessage(), stop.signal)
  while (!(await made.written('check.sh.pid').catch(() => ''))) await new Promise((resolve) => setTimeout(resolve, 5))
  stop.abort(new Error('the check took too long'))
  await assert.rejects(async () => running, { message: 'the check took too long' })
})

test('a program that fills its output after the header for ever is ended at the deadline', async () => {
  await using made = await command('printf "X-A: 1\\n\\n"; exec yes')
  const signal = AbortSignal.timeout(200)
  await assert.rejects(async () => made.check.begin(envelope).message?.(sampleMessage(), signal), signal.reason)
})

test('a message that cannot be read is refused for now', async () => {
  const message = {
    ...sampleMessage(),
    body: {
      size: 10,
      memory: undefined,
      async *read() {
        yield Buffer.from('x')
        throw new Error('the disk is gone')
      },
    },
  }
  assert.equal(outcome(await judged('cat > /dev/null', '', message)), failed)
})

test('a program that is gone is refused for now', async () => {
  await using made = await command('exit 0')
  await rm(join(made.folder, 'check.sh'))
  const { body } = await stages(made.check.begin(envelope))
  assert.equal(outcome(body), failed)
})

test('the reason tells the log what was run and how it ended', async () => {
  await using made = await command('exit 3', '"{sender}" x', '')
  const { body } = await stages(made.check.begin(envelope))
  const { cmd, exit_code } = body?.reason?.fields ?? {}
  assert.match(String(cmd), /check\.sh a@from\.example x$/)
  assert.equal(exit_code, 3)
})

test('a program by its name is looked for in the libexec directory', async () => {
  await using made = await command('exit 1')
  const context = { directories: { state: '/', runtime: '/', libexec: made.folder } } as Context
  const config = { inline: ['check.sh'] as const, timeout: 60_000, run_on: 'body' as const, code: [] }
  const found = module.create(config, context)
  await using held = new AsyncDisposableStack()
  await found.start?.(held)
  const { body } = await stages(found.begin(envelope))
  assert.equal(outcome(body), `reject 550 5.7.1 ${policy}`)
})

for (const [what, lines, message] of [
  ['a program that does not exist', 'command no-such-program-anywhere', /no program no-such-program-anywhere/],
  ['a file that is no program', 'command /etc/passwd', /\/etc\/passwd is no program/],
  ['no program at all', 'command', /needs .*PROGRAM/],
  ['a stage that does not exist', 'command sh {\n run_on data\n}', /expected conn, sender, rcpt, body, not data/],
  ['a status that is none', 'command sh {\n code one reject\n}', /expected an exit status, not one/],
  ['a status without an action', 'command sh {\n code 3\n}', /code needs ignore\|quarantine\|reject/],
  ['no status', 'command sh {\n code\n}', /code needs STATUS/],
  ['an action that does not exist', 'command sh {\n code 3 drop\n}', /expected ignore, quarantine, reject, not drop/],
  ['a code that is no refusal', 'command sh {\n code 3 reject 250\n}', /expected a code from 400 to 599, not 250/],
  ['a directive that it does not have', 'command sh {\n debug\n}', /no directive debug/],
] as const) {
  test(`${what} is refused before the start`, async () => {
    const conf = `hostname mx.test\ntls off\nsmtp tcp://127.0.0.1:0 {\n check {\n${lines}\n}\n deliver_to dummy\n}`
    await assert.rejects(serve(conf), message)
  })
}
