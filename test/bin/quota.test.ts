import assert from 'node:assert/strict'
import { test } from 'node:test'
import { folder, tsmaddy } from '../support/process.ts'

const conf = `
  state_dir state
  runtime_dir run
  storage.imapsql local_mailboxes {
    driver sqlite3
    dsn imapsql.db
    msg_store sql
  }
`

/** A place with the account a@example.org, and `imap-acct quota` run in it. */
const place = async () => {
  const { path, ...rest } = await folder({ 'tsmaddy.conf': conf })
  const run = (args: readonly string[], input = '') =>
    tsmaddy(['-config', 'tsmaddy.conf', ...args], { cwd: path, input, env: {} })
  await run(['imap-acct', 'create', '--no-specialuse', 'a@example.org'])
  return { run, quota: (...args: string[]) => run(['imap-acct', 'quota', ...args]), ...rest }
}

test('the quota of an account is shown, set and taken away, down to that of its domain', async () => {
  await using here = await place()
  const shown = async () => (await here.quota('A@example.org')).stdout
  assert.equal(await shown(), 'Used: 0\nLimit: none\n')
  assert.deepEqual(await here.quota('-domain', 'Example.ORG', '-value', '5000'), { status: 0, stdout: '', stderr: '' })
  assert.equal(await shown(), 'Used: 0\nLimit: 5000 (domain)\n')
  await here.quota('-v', '9223372036854775807', 'a@example.org')
  assert.equal(await shown(), 'Used: 0\nLimit: 9223372036854775807 (user)\n')
  await here.quota('-v', '0', 'a@example.org')
  assert.equal(await shown(), 'Used: 0\nLimit: none (user)\n')
  await here.quota('-v', 'none', 'a@example.org')
  assert.equal(await shown(), 'Used: 0\nLimit: 5000 (domain)\n')
  await here.quota('--domain', 'example.org', '-v', 'none')
  assert.equal(await shown(), 'Used: 0\nLimit: none (domain)\n')
})

test('the quota of a domain is shown with its accounts, and a message for which there is no room is not added', async () => {
  await using here = await place()
  await here.run(['imap-acct', 'create', '--no-specialuse', 'b@example.org'])
  await here.quota('-v', '10', 'a@example.org')
  const add = (name: string) => here.run(['imap-msgs', 'add', name, 'INBOX'], 'Subject: x\r\n\r\n')
  assert.equal((await add('b@example.org')).status, 0)
  const refused = await add('a@example.org')
  assert.deepEqual([refused.status, refused.stdout], [1, ''])
  assert.equal(
    (await here.quota('--domain', 'example.org')).stdout,
    'Used: 14\nLimit: none\na@example.org\t0\t10\nb@example.org\t14\n',
  )
})

test('what is no limit, no account, or neither one account nor one domain is refused', async () => {
  await using here = await place()
  for (const value of ['-1', '1.5', '1K', '', 'x', '9223372036854775808']) {
    assert.equal((await here.quota(`--value=${value}`, 'a@example.org')).status, 2, value)
  }
  assert.equal((await here.quota()).status, 2)
  assert.equal((await here.quota('--domain', 'example.org', 'a@example.org')).status, 2)
  for (const args of [['nobody@example.org'], ['-v', '5', 'nobody@example.org'], ['--domain', 'a..b', '-v', '5']]) {
    const { status, stderr } = await here.quota(...args)
    assert.equal(status, 1, args.join(' '))
    assert.match(stderr, /^Error: .*(account|domain)/)
  }
})

test('help tells of the domain and of the value', async () => {
  await using here = await place()
  const { stdout } = await here.run(['help', 'imap-acct', 'quota'])
  assert.match(stdout, /^tsmaddy imap-acct quota \[OPTION…\] \[USERNAME\]\n/)
  assert.match(stdout, /--domain DOMAIN .*\n.*--value BYTES\|none /)
})
