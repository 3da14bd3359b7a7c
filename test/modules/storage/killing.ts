import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Process } from './process.ts'
import { account, bytes, select } from './support.ts'

/** Kills a process that delivers, again and again; resolves to the subjects that were acknowledged before. */
export const killAgainAndAgain = async (
  database: string,
  directory: string,
  bodies: string,
  rounds: number,
): Promise<Set<string>> => {
  const acknowledged = new Set<string>()
  for (let round = 0; round < rounds; round++) {
    const script = new URL('./deliver_for_ever.ts', import.meta.url)
    const child = spawn(process.execPath, [script.pathname, database, directory, `${round}`, bodies], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    for await (const chunk of child.stdout) {
      said += String(chunk)
      if (said.length > 500 + round * 700) break
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    for (const line of said.split('\n').slice(0, -1)) {
      const [what, subject = ''] = line.split(' ')
      if (what === 'done') acknowledged.add(subject)
    }
  }
  return acknowledged
}

/** Finds every acknowledged message, each message once, all of them whole and counted. */
export const checkMail = async ({ storage }: Process, acknowledged: ReadonlySet<string>): Promise<void> => {
  await using inbox = await select(storage, 'b@x.org')
  const found: string[] = []
  for (const uid of inbox.snapshot.uids) {
    const text = await bytes(await inbox.content(uid))
    const [, subject = ''] = /Subject: (\S+)\r\n/.exec(text) ?? []
    assert.ok(text.endsWith(`\r\n\r\n${subject.repeat(50)}\r\n`), `message ${uid} is not whole`)
    found.push(subject)
  }
  assert.equal(new Set(found).size, found.length, 'a message is there twice')
  const lost = [...acknowledged].filter((subject) => !found.includes(subject))
  assert.deepEqual(lost, [])
  assert.equal((await (await account(storage, 'b@x.org')).status('INBOX')).messages, found.length)
}
