import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { SmtpClient } from '../bench/load/smtp_client.ts'
import { folder as newFolder } from '../support/process.ts'
import { onPath } from './programs.ts'
import { RunningServer } from './running_server.ts'
import { dotStuffed, login, mailServer, messageOf, user } from './support.ts'

/** Why the calls of a process cannot be watched here; false when they can. */
const obstacle = (): string | false => {
  if (!onPath('strace')) return 'strace is not on PATH'
  try {
    execFileSync('strace', ['-o', '/dev/null', 'true'], { stdio: 'ignore' })
    return false
  } catch {
    return 'strace may not watch processes here'
  }
}

/** What the process did while `work` went on: system calls in the order in which they were done, files by their paths. */
const calls = async (server: RunningServer, work: () => Promise<void>): Promise<readonly string[]> => {
  const file = join(server.directory, 'calls')
  const options = ['-f', '-y', '-s', '60', '-e', 'trace=fsync,fdatasync,write,writev', '-o', file]
  const strace = spawn('strace', [...options, '-p', String(server.pid)], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(strace, 'exit')
  const [said] = await once(strace.stderr, 'data')
  assert.match(String(said), /attached/)
  try {
    await work()
  } finally {
    strace.kill('SIGINT')
    await exited
  }
  return done((await readFile(file, 'latin1')).split('\n'))
}

/** A call that another thread's came in between stands in two lines; it is done at the second. */
const done = (lines: readonly string[]): string[] => {
  const begun = new Map<string, string>()
  const calls: string[] = []
  for (const line of lines) {
    const [, thread = '', call = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (call.endsWith('<unfinished ...>')) begun.set(thread, call)
    else if (call.startsWith('<... ')) calls.push(`${begun.get(thread) ?? ''} ${call}`)
    else calls.push(call)
  }
  return calls
}

/** Where the first such call stands. */
const at = (calls: readonly string[], call: RegExp): number => {
  const index = calls.findIndex((each) => call.test(each) && !/= -1 /.test(each))
  assert.ok(index >= 0, `${call} is not among the calls:\n${calls.join('\n')}`)
  return index
}

const log = /^f(?:data)?sync\(\d+<[^>]*imapsql\.db-wal>/
const body = /^f(?:data)?sync\(\d+<[^>]*\/messages\/[^>]+>/
const bodies = /^f(?:data)?sync\(\d+<[^>]*\/messages\/?>/

for (const { name, store, before } of [
  { name: 'in the database', store: 'sql', before: [] },
  { name: 'in files', store: 'fs messages', before: [body, bodies] },
]) {
  test(`a message is on the disk before it is acknowledged, with bodies ${name}`, { skip: obstacle() }, async () => {
    await using folder = await newFolder()
    await using server = await RunningServer.start(folder.path, mailServer({ store }))
    const [smtp = 0, imap = 0] = await server.ports()
    using reader = await login(imap)
    using sender = await SmtpClient.open(smtp)
    await sender.expect('EHLO client.example', 250)

    const delivery = await calls(server, () =>
      sender.deliver('sender@example.org', user, dotStuffed(messageOf('first@durable.example'))),
    )
    const acknowledged = at(delivery, /^writev?\(.*"250 2\.0\.0 OK/)
    const committed = at(delivery, log)
    assert.ok(committed < acknowledged, delivery.join('\n'))
    for (const call of before) assert.ok(at(delivery, call) < committed, delivery.join('\n'))

    const draft = messageOf('draft@durable.example')
    const append = await calls(server, async () => {
      await reader.ok(`APPEND INBOX {${draft.length}+}\r\n${draft}`)
    })
    const appended = at(append, /^writev?\(.* OK .*APPEND/)
    assert.ok(at(append, log) < appended, append.join('\n'))
    for (const call of before) assert.ok(at(append, call) < at(append, log), append.join('\n'))
  })
}
