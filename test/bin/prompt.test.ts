import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { compare } from 'bcryptjs'
import { program, until } from '../support/process.ts'

/** What a terminal shows when somebody types that at the password prompt of `hash`. */
const type = async (t: TestContext, typed: string): Promise<string | undefined> => {
  if (spawnSync('script', ['--version']).error) {
    t.skip('there is no program script, which lends a terminal')
    return undefined
  }
  const command = `'${process.execPath}' '${program}' hash -bcrypt-cost 4`
  const terminal = spawn('script', ['-qec', command, '/dev/null'], { timeout: 20_000 })
  let shown = ''
  terminal.stdout.setEncoding('utf8').on('data', (chunk) => {
    shown += chunk
  })
  const closed = once(terminal, 'close')
  await until(async () => shown.includes('Enter password: '), 'the prompt')
  terminal.stdin.write(typed)
  await closed
  return shown
}

test('a password typed at a terminal is not shown, and can be corrected', async (t) => {
  const shown = await type(t, 'secrat\u007f\u007fet\r')
  if (shown === undefined) return
  const [, hash = ''] = /bcrypt:(\S+)/.exec(shown) ?? []
  assert.ok(await compare('secret', hash))
  assert.doesNotMatch(shown.replace(hash, ''), /secr/)
})

for (const [key, character] of Object.entries({ Escape: '\u001b', 'Ctrl-C': '\u0003', 'Ctrl-D': '\u0004' })) {
  test(`${key} at the password prompt gives up`, async (t) => {
    const shown = await type(t, `sec${character}`)
    if (shown !== undefined) assert.match(shown, /Error: cancelled/)
  })
}

test('a password that is too long is refused while it is typed', async (t) => {
  const shown = await type(t, 'x'.repeat(600))
  if (shown !== undefined) assert.match(shown, /longer than 512 bytes/)
})
