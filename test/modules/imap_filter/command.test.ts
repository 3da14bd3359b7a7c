import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Context } from '../../../core/index.ts'
import { Accounts } from '../../../core/index.ts'
import command from '../../../modules/imap/filter/command.ts'
import { instance } from '../../support/server.ts'
import type { SqlStorage } from '../storage/support.ts'
import { account, all, deliver, message, select, simple } from '../storage/support.ts'

/** A filter that runs a shell script, whose own arguments are those given. */
const filter = async (script: string, args = '', directives = '') => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'filter.sh')
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o700)
  const held = stack.move()
  return {
    folder,
    line: `command ${file} ${args} {\n${directives}\n}`,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

const storageWith = async (lines: string) => {
  const conf = `storage.imapsql local {\n driver sqlite3\n dsn mail.db\n msg_store sql\n imap_filter {\n${lines}\n}\n}`
  const made = await instance(Accounts, conf)
  const storage = made.api as SqlStorage
  await storage.create('b@x.org', [{ name: 'Work' }])
  return {
    storage,
    log: () => readFile(join(made.directory, 'log'), 'utf8'),
    [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
  }
}

const arrived = async (storage: SqlStorage, mailbox: string): Promise<string[][]> => {
  await using box = await select(storage, 'b@x.org', mailbox)
  return (await Array.fromAsync(box.messages(all, {}))).map(({ flags }) => [...flags].sort())
}

for (const [what, script, mailbox, flags] of [
  ['a folder that exists gets the message', 'echo Work', 'Work', []],
  [
    'a folder that does not exist means INBOX, and flags are put on all the same',
    'echo Nope; echo kw',
    'INBOX',
    ['kw'],
  ],
  ['an empty line leaves the folder as it is', 'echo; echo "\\$Label1"', 'INBOX', ['$Label1']],
  ['blank lines after the flags are none', 'echo Work; echo a; echo; echo "  "', 'Work', ['a']],
  ['what is no flag is passed over', 'echo; echo "a b"; echo ok', 'INBOX', ['ok']],
  ['no output has no effect', 'cat > /dev/null', 'INBOX', []],
  ['a program that fails after it has spoken counts as absent', 'echo Work; exit 1', 'INBOX', []],
  ['a program that does not read its input is no error', 'exec 0<&-; echo Work', 'Work', []],
  ['what ends without a line feed counts', 'printf Work', 'Work', []],
] as const) {
  test(what, async () => {
    await using program = await filter(script)
    await using made = await storageWith(program.line)
    await deliver(made.storage, ['b@x.org'], simple('s', 'long line of text\n'.repeat(10_000)))
    assert.deepEqual(await arrived(made.storage, mailbox), [[...flags]])
  })
}

test('\\Seen of a filter counts for the number of unseen messages', async () => {
  await using program = await filter("echo; echo '\\\\SEEN'")
  await using made = await storageWith(program.line)
  await deliver(made.storage, ['b@x.org'])
  assert.deepEqual(await arrived(made.storage, 'INBOX'), [['\\Seen']])
  assert.equal((await (await account(made.storage, 'b@x.org')).status('INBOX')).unseen, 0)
})

test('a filter that fails is logged', async () => {
  await using program = await filter('echo trouble >&2; exit 3')
  await using made = await storageWith(program.line)
  await deliver(made.storage, ['b@x.org'])
  const log = await made.log()
  assert.match(log, /IMAP filter failed/)
  assert.match(log, /exit status 3/)
  assert.match(log, /trouble/)
})

test('a program that takes too long is killed with its children, and the message delivered', async () => {
  await using program = await filter('echo Work; sleep 1000 & wait', '', 'timeout 50ms')
  await using made = await storageWith(program.line)
  await deliver(made.storage, ['b@x.org'])
  assert.deepEqual(await arrived(made.storage, 'INBOX'), [[]])
  assert.match(await made.log(), /took longer than 50 ms/)
})

test('a program that says too much is stopped', async () => {
  await using program = await filter('yes | tr -d "\\n"')
  await using made = await storageWith(program.line)
  await deliver(made.storage, ['b@x.org'])
  assert.deepEqual(await arrived(made.storage, 'INBOX'), [[]])
})

test('a quarantined message is not shown to filters', async () => {
  await using program = await filter('echo Work')
  await using made = await storageWith(program.line)
  await deliver(made.storage, ['b@x.org'], { ...simple(), quarantined: true })
  assert.equal((await arrived(made.storage, 'Junk')).length, 1)
})

test('of several filters the first that names a folder decides, and the flags of all are put on', async () => {
  await using one = await filter('echo; echo a')
  await using two = await filter('exit 1')
  await using three = await filter('echo Work; echo b')
  await using four = await filter('echo INBOX; echo a; echo c')
  await using made = await storageWith([one, two, three, four].map(({ line }) => line).join('\n'))
  await deliver(made.storage, ['b@x.org'])
  assert.deepEqual(await arrived(made.storage, 'Work'), [['a', 'b', 'c']])
})

test('the program has the message as it came on its standard input, without what delivery adds', async () => {
  await using program = await filter('cat > "$0.out"')
  await using made = await storageWith(program.line)
  await deliver(made.storage, ['b@x.org'], message('Subject: as it came\n\nbody\n'))
  assert.equal(await readFile(join(program.folder, 'filter.sh.out'), 'utf8'), 'Subject: as it came\r\n\r\nbody\r\n')
})

test('placeholders become one argument each, whatever is in them; unknown ones stay', async () => {
  const names =
    'source_ip source_host source_rdns msg_id auth_user sender rcpt_to original_rcpt_to subject account_name'
  const placeholders = [...names.split(' '), 'unknown'].map((name) => `"{${name}}"`).join(' ')
  await using program = await filter('for each in "$@"; do printf "%s\\n" "$each"; done > "$0.out"', placeholders)
  await using storage = await storageWith(program.line)
  const content = message('Subject: `touch /tmp/x`; $(id) "quoted" {sender}\n\nbody\n')
  await deliver(storage.storage, ['B@x.org'], content)
  assert.deepEqual((await readFile(join(program.folder, 'filter.sh.out'), 'utf8')).split('\n'), [
    '192.0.2.1',
    'client.example',
    'client.example',
    '1234abcd',
    '',
    'sender@example.net',
    'B@x.org',
    'B@x.org',
    '`touch /tmp/x`; $(id) "quoted" {sender}',
    'b@x.org',
    '{unknown}',
    '',
  ])
})

test('one filter may be named without a block around it', async () => {
  await using program = await filter('echo Work')
  const conf = `storage.imapsql local {\n driver sqlite3\n dsn mail.db\n msg_store sql\n imap_filter imap.filter.${program.line}\n}`
  await using made = await instance(Accounts, conf)
  const storage = made.api as SqlStorage
  await storage.create('b@x.org', [{ name: 'Work' }])
  await deliver(storage, ['b@x.org'])
  assert.deepEqual(await arrived(storage, 'Work'), [[]])
})

test('a program that does not exist is found out before the start', async () => {
  const directory = tmpdir()
  const context = { directories: { state: directory, runtime: directory, libexec: directory } } as Context
  for (const [program, message] of [
    ['no-such-program-anywhere', /no program no-such-program-anywhere on PATH/],
    ['./no-such-file', /is no program that can be run/],
  ] as const) {
    const made = command.create({ inline: [program], timeout: 1000 }, context)
    await assert.rejects(async () => made.inspect?.(), message)
  }
  await command.create({ inline: ['sh', '{subject}'], timeout: 1000 }, context).inspect?.()
})

test('without a program it is refused', async () => {
  const conf = 'storage.imapsql local {\n driver sqlite3\n dsn mail.db\n msg_store sql\n imap_filter {\n command\n}\n}'
  await assert.rejects(instance(Accounts, conf), /needs .*PROGRAM/)
})
