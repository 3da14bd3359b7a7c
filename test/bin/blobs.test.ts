import assert from 'node:assert/strict'
import { readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { SmtpClient } from '../bench/load/smtp_client.ts'
import { mailServer, messageOf, user } from '../scenario/support.ts'
import { folder, ServerProcess, tsmaddy } from '../support/process.ts'
import { s3Store, type TestS3 } from '../support/s3.ts'

const day = 24 * 60 * 60 * 1000

const confOf = (store: string): string => `state_dir state\nruntime_dir run\n${mailServer({ store })}`

/** A store of blobs, seen from outside. */
interface Outside {
  keys(): Promise<string[]>
  /** Puts a blob that is so many milliseconds old. */
  put(key: string, age: number): Promise<void>
}

const filesIn = (messages: string): Outside => ({
  keys: async () => (await readdir(messages)).sort(),
  async put(key, age) {
    await writeFile(join(messages, key), 'left behind')
    const date = new Date(Date.now() - age)
    await utimes(join(messages, key), date, date)
  },
})

const objectsOf = (s3: TestS3): Outside => ({
  keys: async () => (await s3.keys()).sort(),
  async put(key, age) {
    await s3.put(key, 'left behind')
    s3.dates.set(key, new Date(Date.now() - age))
  },
})

/** A place with that configuration, an account, and a message in it. */
const place = async (store: (s3: TestS3) => string) => {
  await using stack = new AsyncDisposableStack()
  const s3 = stack.use(await s3Store())
  const here = stack.use(await folder({ 'tsmaddy.conf': confOf(store(s3)) }))
  const run = (args: readonly string[], input = '') =>
    tsmaddy(['-config', 'tsmaddy.conf', ...args], { cwd: here.path, input })
  assert.equal((await run(['imap-acct', 'create', user])).status, 0)
  assert.equal((await run(['imap-msgs', 'add', user, 'INBOX'], messageOf('1@blobs.example'))).status, 0)
  const held = stack.move()
  return { s3, run, path: here.path, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

const [old, young] = ['a'.repeat(32), 'b'.repeat(32)]

for (const kind of ['fs', 's3'] as const) {
  const open = async () => {
    const here = await place((s3) => (kind === 'fs' ? 'fs messages' : `s3 {\n${s3.conf()}\n}`))
    const outside = kind === 'fs' ? filesIn(join(here.path, 'state', 'messages')) : objectsOf(here.s3)
    const [message = ''] = await outside.keys()
    return { ...here, outside, message, [Symbol.asyncDispose]: () => here[Symbol.asyncDispose]() }
  }

  test(`blobs gc deletes blobs of ${kind} without a message that are a day old, and prints their keys`, async () => {
    await using here = await open()
    await here.outside.put(old, 2 * day)
    await here.outside.put(young, day / 2)
    assert.deepEqual(await here.run(['blobs', 'gc']), {
      status: 0,
      stdout: `${old}\n`,
      stderr: '1 of 3 blobs have no message; 1 deleted.\n',
    })
    assert.deepEqual(await here.outside.keys(), [here.message, young].sort())
    assert.match((await here.run(['imap-msgs', 'dump', user, 'INBOX'])).stdout, /1@blobs\.example/)
    assert.deepEqual(await here.run(['blobs', 'gc']), {
      status: 0,
      stdout: '',
      stderr: '0 of 2 blobs have no message.\n',
    })
  })

  test(`blobs gc --dry-run prints keys of ${kind} and deletes nothing`, async () => {
    await using here = await open()
    await here.outside.put(old, 2 * day)
    await here.outside.put(young, day / 2)
    const { stdout, stderr, status } = await here.run(['blobs', 'gc', '--dry-run', '--min-age', '1h'])
    assert.deepEqual([status, stdout], [0, `${old}\n${young}\n`])
    assert.equal(stderr, '2 of 3 blobs have no message.\n')
    assert.equal((await here.outside.keys()).length, 3)
  })
}

test('blobs gc takes no blob that a running server has put and is about to use, however young they may be', async () => {
  await using here = await place((s3) => `s3 {\n${s3.conf()}\n}`)
  await using server = await ServerProcess.start(here.path)
  const port = (await server.status()).listeners[0]?.port ?? 0
  using sender = await SmtpClient.open(port)
  await sender.expect('EHLO client.example', 250)
  await sender.deliver('sender@example.org', user, messageOf('2@blobs.example'))
  const known = await here.s3.keys()
  // The blob is there, and its acknowledgement is lost; so is that of all others.
  here.s3.fault = ({ method }) => (method === 'PUT' ? 'deaf' : undefined)
  await assert.rejects(sender.deliver('sender@example.org', user, messageOf('3@blobs.example')), /451/)
  here.s3.fault = () => undefined
  const [unacknowledged = ''] = (await here.s3.keys()).filter((key) => !known.includes(key))
  await objectsOf(here.s3).put(old, 1000)
  const collected = await here.run(['blobs', 'gc', '--min-age', '0'])
  assert.deepEqual([collected.status, collected.stdout], [0, `${old}\n`])
  // A day later it cannot be about to be used any more.
  here.s3.dates.set(unacknowledged, new Date(Date.now() - 1.1 * day))
  assert.equal((await here.run(['blobs', 'gc', '--min-age', '0'])).stdout, `${unacknowledged}\n`)
  assert.deepEqual(await here.s3.keys(), known)
})

test('blobs gc while mail is being delivered takes none of it', async () => {
  await using here = await place(() => 'fs messages')
  await using server = await ServerProcess.start(here.path)
  const port = (await server.status()).listeners[0]?.port ?? 0
  let going = true
  let delivered = 0
  const work = async () => {
    using sender = await SmtpClient.open(port)
    await sender.expect('EHLO client.example', 250)
    while (going) {
      await sender.deliver('sender@example.org', user, messageOf(`${delivered++}@blobs.example`))
    }
  }
  const working = Promise.all([work(), work(), work()])
  for (let n = 0; n < 2; n++) {
    assert.deepEqual((await here.run(['blobs', 'gc', '--min-age', '0'])).stdout, '')
  }
  going = false
  await working
  assert.ok(delivered > 10)
  const { stdout } = await here.run(['imap-msgs', 'dump', user, 'INBOX', '1:*'])
  assert.equal(stdout.match(/^Message-ID: /gm)?.length, delivered + 1)
})

test('blobs gc has nothing to do where bodies are in the database', async () => {
  await using here = await place(() => 'sql')
  assert.deepEqual(await here.run(['blobs', 'gc']), {
    status: 1,
    stdout: '',
    stderr: 'Error: local_mailboxes keeps bodies in its database: there are no blobs\n',
  })
})

test('blobs gc of a store that cannot be used fails, and says why', async () => {
  await using here = await place((s3) => `s3 {\n${s3.conf()}\n}`)
  here.s3.fault = ({ query }) => (query.has('list-type') ? { status: 403, code: 'AccessDenied' } : undefined)
  const { status, stderr } = await here.run(['blobs', 'gc'])
  assert.equal(status, 1)
  assert.match(stderr, /Error: blobs not listed: AccessDenied/)
})

test('options of blobs gc that cannot be understood are refused', async () => {
  await using here = await place(() => 'fs messages')
  for (const [args, message] of [
    [['--min-age', 'soon'], /-min-age: expected a duration/],
    [['--cfg-block', 'none'], /has no block none/],
    [['--cfg-block', 'credentials'], /has no blob owner/],
    [['extra'], /extra is too much/],
  ] as const) {
    const { status, stderr } = await here.run(['blobs', 'gc', ...args])
    assert.equal(status, 2)
    assert.match(stderr, message)
  }
})

test('check accepts a bucket without a look at it, and keys that come from the machine', async () => {
  const conf = (...lines: string[]) =>
    confOf(`s3 {\n endpoint s3.eu-central-1.amazonaws.com\n bucket mail\n ${lines.join('\n ')}\n}`)
  await using here = await folder({ 'tsmaddy.conf': conf('creds iam'), 'other.conf': conf('creds foo') })
  const check = (file: string) => tsmaddy(['-config', file, 'check'], { cwd: here.path })
  assert.equal((await check('tsmaddy.conf')).status, 0)
  const { status, stderr } = await check('other.conf')
  assert.equal(status, 2)
  assert.match(stderr, /other\.conf:\d+:\d+: .*expected access_key, file_minio, file_aws, iam, not foo/)
})
