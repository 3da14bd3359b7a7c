import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Auth, ScramAuth, Table, UserError, Users } from '../../../core/index.ts'
import { hashNow } from '../../../core/kit/password/format.ts'
import { parseScram } from '../../../core/kit/password/index.ts'
import { instance } from '../../support/server.ts'

const quick = (password: string) => hashNow(password, { bcryptCost: 4 })

/** Credentials of ann, whose password is kept as `stored`. */
const ann = (stored: string) =>
  instance(Auth, `auth.pass_table t {\ntable static {\nentry ann@ex.test "${stored}"\n}\n}`)

/** Credentials that can be edited. */
const editable = () =>
  instance(Users, 'auth.pass_table t {\ntable sql_table {\ndriver sqlite3\ndsn users.db\ntable_name users\n}\n}')

/** What `assert.rejects` expects of a request that cannot be met. */
const userError = (kind: UserError['kind']) => (error: unknown) => error instanceof UserError && error.kind === kind

test('the right password is accepted, a wrong one and an unknown user are not', async () => {
  await using auth = await ann(quick('secret'))
  assert.equal(await auth.api.verify('ann@ex.test', 'secret'), true)
  assert.equal(await auth.api.verify('ann@ex.test', 'Secret'), false)
  assert.equal(await auth.api.verify('bob@ex.test', 'secret'), false)
})

test('the user name may be written in capitals', async () => {
  await using auth = await ann(quick('secret'))
  assert.equal(await auth.api.verify('ANN@EX.TEST', 'secret'), true)
})

test('a name that can be none is an unknown user', async () => {
  await using auth = await ann(quick('secret'))
  assert.equal(await auth.api.verify('ann smith', 'secret'), false)
})

test('the hash of somebody who logged in lets nobody else in', async () => {
  await using auth = await ann(quick('secret'))
  assert.equal(await auth.api.verify('ann@ex.test', 'secret'), true)
  assert.equal(await auth.api.verify('nobody@ex.test', 'secret'), false)
})

test('an unknown user takes as long as a wrong password', async () => {
  await using auth = await ann(hashNow('secret', { bcryptCost: 10 }))
  const time = async (username: string) => {
    const begin = performance.now()
    await auth.api.verify(username, 'wrong')
    return performance.now() - begin
  }
  await time('ann@ex.test') // the worker has been started
  const [known, unknown] = [await time('ann@ex.test'), await time('bob@ex.test')]
  assert.ok(unknown > known / 3, `${unknown} ms for an unknown user, ${known} ms for a known one`)
})

test('a bcrypt hash with another letter is verified', async () => {
  await using auth = await ann(quick('secret').replace('$2a$', '$2y$'))
  assert.equal(await auth.api.verify('ann@ex.test', 'secret'), true)
})

test('an argon2 hash is verified', async () => {
  await using auth = await ann(hashNow('secret', { hash: 'argon2', argon2Time: 1, argon2Memory: 64 }))
  assert.equal(await auth.api.verify('ann@ex.test', 'secret'), true)
  assert.equal(await auth.api.verify('ann@ex.test', 'Secret'), false)
})

for (const stored of ['{SHA512}abc', 'md5:x', 'sha256:c2FsdA==:aGFzaA==', 'argon2:1:64']) {
  test(`the stored value ${stored} accepts nothing, and the log tells why`, async () => {
    await using auth = await ann(stored)
    assert.equal(await auth.api.verify('ann@ex.test', 'x'), false)
    const log = await readFile(join(auth.directory, 'log'), 'utf8')
    assert.match(log, /stored password cannot be used/)
    assert.ok(!log.includes(stored))
  })
}

test('a table that cannot answer is an error and no wrong password', async () => {
  const conf =
    'auth.pass_table t {\ntable sql_query {\ndriver sqlite3\ndsn :memory:\nlookup "SELECT NULL WHERE $1 = $1"\n}\n}'
  await using auth = await instance(Auth, conf)
  await assert.rejects(auth.api.verify('ann', 'x'), /NULL/)
})

test('a user that is created can log in, under the name in lower case', async () => {
  await using users = await editable()
  await users.api.create('ANN@ex.test', 'secret', { bcryptCost: 4 })
  assert.deepEqual(await users.api.list(), ['ann@ex.test'])
  assert.equal(await users.api.verify('Ann@ex.test', 'secret'), true)
})

test('a user cannot be created twice', async () => {
  await using users = await editable()
  await users.api.create('ann', 'secret', { bcryptCost: 4 })
  await assert.rejects(users.api.create('ANN', 'other'), userError('exists'))
  await assert.rejects(users.api.create('ann', 'other'), /already exist/)
  assert.equal(await users.api.verify('ann', 'secret'), true)
})

test('a password is kept with bcrypt at a cost of 10, unless something else is asked for', async () => {
  await using users = await editable()
  const table = users.api as unknown as Table // one instance, two roles
  await users.api.create('a', 'secret')
  await users.api.create('b', 'secret', { bcryptCost: 5 })
  await users.api.create('c', 'secret', { hash: 'argon2' })
  assert.match((await table.lookup('a')).join(), /^bcrypt:\$2a\$10\$/)
  assert.match((await table.lookup('b')).join(), /^bcrypt:\$2a\$05\$/)
  assert.match((await table.lookup('c')).join(), /^argon2:2:1024:1:/)
})

test('a password that cannot be kept creates nobody', async () => {
  await using users = await editable()
  await assert.rejects(users.api.create('ann', 'x'.repeat(73)), userError('invalid'))
  await assert.rejects(users.api.create('ann', 'x', { hash: 'sha256' }), userError('invalid'))
  await assert.rejects(users.api.create('ann', 'x', { bcryptCost: 32 }), userError('invalid'))
  await assert.rejects(users.api.create('ann smith', 'x'), userError('invalid'))
  await assert.rejects(users.api.create('', 'x'), userError('invalid'))
  assert.deepEqual(await users.api.list(), [])
})

test('a new password takes the place of the old one', async () => {
  await using users = await editable()
  await users.api.create('ann', 'old', { hash: 'argon2' })
  await users.api.setPassword('ANN', 'new')
  assert.equal(await users.api.verify('ann', 'old'), false)
  assert.equal(await users.api.verify('ann', 'new'), true)
})

test('a user who is not there can neither be given a password nor be deleted', async () => {
  await using users = await editable()
  await assert.rejects(users.api.setPassword('bob', 'x'), userError('missing'))
  await assert.rejects(users.api.delete('bob'), userError('missing'))
  assert.deepEqual(await users.api.list(), [])
})

test('a user who is deleted cannot log in', async () => {
  await using users = await editable()
  await users.api.create('ann', 'secret', { bcryptCost: 4 })
  await users.api.delete('ANN')
  assert.equal(await users.api.verify('ann', 'secret'), false)
})

test('over a table that cannot be edited users log in and cannot be managed', async () => {
  const conf = 'auth.pass_table t {\ntable file users\n}'
  await using users = await instance(Users, conf, { files: { users: `ann: ${quick('secret')}\n` } })
  assert.equal(await users.api.verify('ann', 'secret'), true)
  await assert.rejects(users.api.list(), userError('unsupported'))
  await assert.rejects(users.api.create('bob', 'x'), /not mutable/)
  await assert.rejects(users.api.setPassword('ann', 'x'), userError('unsupported'))
  await assert.rejects(users.api.delete('ann'), userError('unsupported'))
})

test('as a table it gives the stored hash, and refuses what can be no name', async () => {
  const stored = quick('secret')
  await using table = await instance(Table, `auth.pass_table t {\ntable static {\nentry ann ${stored}\n}\n}`)
  assert.deepEqual(await table.api.lookup('ANN'), [stored])
  assert.deepEqual(await table.api.lookup('bob'), [])
  await assert.rejects(table.api.lookup('ann smith'), RangeError)
})

test('in place, everything after its name belongs to the table, the block too', async () => {
  const conf = `table.chain t {\nstep auth.pass_table static {\nentry ann ${quick('secret')}\n}\n}`
  await using table = await instance(Table, conf)
  assert.equal((await table.api.lookup('ann')).length, 1)
})

test('a table is needed', async () => {
  await assert.rejects(instance(Auth, 'auth.pass_table t { }'), { name: 'ConfigError', message: /needs table/ })
})

test('what is no table is refused', async () => {
  const conf = 'auth.pass_table t {\ntable &other\n}\nstorage.blob.fs other {\nroot x\n}'
  await assert.rejects(instance(Auth, conf, { name: 't' }), { name: 'ConfigError', message: /a table is needed/ })
})

const scramOf = (password: string, scramIterations = 4096) =>
  hashNow(password, { hash: 'scram-sha-256', scramIterations })

/** A table that can be edited, with directives of its own. */
const editableWith = (directives: string) =>
  instance(
    ScramAuth,
    `auth.pass_table t {\ntable sql_table {\ndriver sqlite3\ndsn users.db\ntable_name users\n}\n${directives}\n}`,
  )

test('a password that is kept for SCRAM can be told as well', async () => {
  await using auth = await ann(scramOf('secret'))
  assert.equal(await auth.api.verify('ann@ex.test', 'secret'), true)
  assert.equal(await auth.api.verify('ann@ex.test', 'Secret'), false)
})

test('what is kept for SCRAM is given under the name in any case, and to nobody else', async () => {
  const stored = scramOf('secret')
  const conf = `auth.pass_table t {\ntable static {\nentry ann ${stored}\nentry bob "${quick('secret')}"\n}\n}`
  await using auth = await instance(ScramAuth, conf)
  assert.deepEqual(await auth.api.scramSecret('ANN'), parseScram(stored))
  assert.equal(await auth.api.scramSecret('eve'), undefined)
  assert.equal(await auth.api.scramSecret('ann smith'), undefined)
})

test('a user whose password is kept in another way is none for SCRAM, and the log tells', async () => {
  await using auth = await instance(
    ScramAuth,
    `auth.pass_table t {\ntable static {\nentry bob "${quick('secret')}"\n}\n}`,
  )
  assert.equal(await auth.api.scramSecret('bob'), undefined)
  assert.match(await readFile(join(auth.directory, 'log'), 'utf8'), /not kept as scram-sha-256.*"username":"bob"/)
})

test('a table that cannot answer is an error for SCRAM too', async () => {
  const conf =
    'auth.pass_table t {\ntable sql_query {\ndriver sqlite3\ndsn :memory:\nlookup "SELECT NULL WHERE $1 = $1"\n}\n}'
  await using auth = await instance(ScramAuth, conf)
  await assert.rejects(auth.api.scramSecret('ann'), /NULL/)
})

test('SCRAM is offered when the block says so', async () => {
  await using silent = await editableWith('')
  await using willing = await editableWith('scram yes')
  assert.deepEqual([silent.api.scramOffered, willing.api.scramOffered], [false, true])
})

test('what is shown for names that are not there outlives the server, in a file for its eyes only', async () => {
  const conf = 'auth.pass_table t {\ntable static { }\n}'
  await using first = await instance(ScramAuth, conf)
  const shown = await first.api.scramDecoy('eve')
  assert.deepEqual(await first.api.scramDecoy('eve'), shown)
  const file = join(first.directory, 'scram_decoys.key')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  await using other = await instance(ScramAuth, conf)
  assert.notDeepEqual(await other.api.scramDecoy('eve'), shown)
  await using second = await instance(ScramAuth, conf, { files: { 'scram_decoys.key': '' } })
  await writeFile(join(second.directory, 'scram_decoys.key'), await readFile(file))
  assert.deepEqual(await second.api.scramDecoy('eve'), shown)
})

test('what is shown for names that are not there looks like what is shown for users', async () => {
  const conf = `auth.pass_table t {\ntable static {\nentry ann ${scramOf('x', 5_000)}\nentry bob ${scramOf('x')}\n}\n}`
  await using auth = await instance(ScramAuth, conf)
  for (const user of ['ann', 'bob']) await auth.api.scramSecret(user)
  assert.equal((await auth.api.scramDecoy('eve')).iterations, 5_000)
})

test('a key of salts that is too short to be secret is not used, and the log tells', async () => {
  const conf = 'auth.pass_table t {\ntable static { }\n}'
  await using auth = await instance(ScramAuth, conf, { files: { 'scram_decoys.key': 'short' } })
  const shown = await auth.api.scramDecoy('eve')
  assert.deepEqual(await auth.api.scramDecoy('eve'), shown)
  assert.match(await readFile(join(auth.directory, 'log'), 'utf8'), /made-up SCRAM salts change/)
})

test('new passwords are kept as hash says, when nobody asks for something else', async () => {
  await using auth = await editableWith('hash scram-sha-256')
  const users = auth.api as unknown as Users & Table // one instance, three roles
  await users.create('ann', 'secret')
  await users.create('bob', 'secret', { hash: 'bcrypt', bcryptCost: 4 })
  assert.match((await users.lookup('ann')).join(), /^scram-sha-256:65536:/)
  assert.match((await users.lookup('bob')).join(), /^bcrypt:/)
  await users.setPassword('bob', 'other')
  assert.match((await users.lookup('bob')).join(), /^scram-sha-256:/)
  assert.equal(await users.verify('bob', 'other'), true)
})

test('with rehash a password is kept as hash says once it has been told, and only when it was right', async () => {
  await using auth = await editableWith('hash scram-sha-256\nrehash yes')
  const users = auth.api as unknown as Users & Table
  await users.create('ann', 'secret', { hash: 'bcrypt', bcryptCost: 4 })
  assert.equal(await users.verify('ANN', 'wrong'), false)
  assert.match((await users.lookup('ann')).join(), /^bcrypt:/)
  assert.equal(await users.verify('ANN', 'secret'), true)
  const [stored] = await users.lookup('ann')
  assert.match(stored ?? '', /^scram-sha-256:/)
  assert.equal(await users.verify('ann', 'secret'), true)
  assert.deepEqual(await users.lookup('ann'), [stored])
})

test('without rehash a login changes nothing', async () => {
  await using auth = await editableWith('hash scram-sha-256')
  const users = auth.api as unknown as Users & Table
  await users.create('ann', 'secret', { hash: 'bcrypt', bcryptCost: 4 })
  assert.equal(await users.verify('ann', 'secret'), true)
  assert.match((await users.lookup('ann')).join(), /^bcrypt:/)
})

test('a password that cannot be kept anew lets its user in all the same', async () => {
  await using auth = await editableWith('rehash yes')
  const users = auth.api as unknown as Users & Table
  await users.create('ann', 'x'.repeat(73), { hash: 'argon2' })
  assert.equal(await users.verify('ann', 'x'.repeat(73)), true)
  assert.match((await users.lookup('ann')).join(), /^argon2:/)
  assert.match(await readFile(join(auth.directory, 'log'), 'utf8'), /could not be kept in another way/)
})

test('rehash over a table that cannot be edited is no configuration', async () => {
  const conf = 'auth.pass_table t {\ntable static { }\nrehash yes\n}'
  await assert.rejects(instance(Auth, conf), {
    name: 'ConfigError',
    message: /rehash needs a table that can be edited/,
  })
})
