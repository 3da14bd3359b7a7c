import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashNow, PasswordFormatError, verifySync } from '../../../core/kit/password/format.ts'
import { newScram } from '../../../core/kit/password/scram.ts'

/** What is kept of the password "pencil" in the example of RFC 7677 §3, computed from RFC 5802 §3 in Python. */
const pencil =
  'scram-sha-256:4096:W22ZaJ0SNY7soEsUEjb6gQ==:WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU='

/** A published test vector of bcrypt: the password is "U*U". */
const vector = (prefix: string) => `bcrypt:${prefix}05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW`

for (const prefix of ['$2a$', '$2b$', '$2y$', '$2x$', '$2$']) {
  test(`a bcrypt hash that begins with ${prefix} is verified`, () => {
    assert.equal(verifySync(vector(prefix), 'U*U'), true)
    assert.equal(verifySync(vector(prefix), 'U*V'), false)
  })
}

const cheap = (password: string) => hashNow(password, { bcryptCost: 4 })

test('bcrypt looks at the first 72 bytes of a password', () => {
  const stored = cheap('x'.repeat(72))
  assert.equal(verifySync(stored, `${'x'.repeat(72)}y`), true)
  assert.equal(verifySync(stored, 'x'.repeat(71)), false)
})

test('a NUL in a password counts', () => {
  const stored = cheap('a\0b')
  assert.equal(verifySync(stored, 'a\0b'), true)
  assert.equal(verifySync(stored, 'a\0c'), false)
  assert.equal(verifySync(stored, 'a'), false)
})

test('an empty password can be kept, and is not any other', () => {
  assert.equal(verifySync(cheap(''), ''), true)
  assert.equal(verifySync(cheap(''), 'a'), false)
})

test('a new bcrypt hash begins with $2a$ and has the cost 10', () => {
  assert.match(hashNow('x', {}), /^bcrypt:\$2a\$10\$[./A-Za-z0-9]{53}$/)
})

test('a cost below 4 becomes 10, and one above 31 is refused', () => {
  assert.match(hashNow('x', { bcryptCost: 3 }), /^bcrypt:\$2a\$10\$/)
  assert.throws(() => hashNow('x', { bcryptCost: 32 }), /^RangeError: bcrypt cost 32 is greater than 31/)
})

test('bcrypt keeps no password of more than 72 bytes', () => {
  assert.throws(() => hashNow('x'.repeat(73), {}), /^RangeError: password length exceeds 72 bytes/)
  assert.throws(() => hashNow('ö'.repeat(37), {}), /^RangeError: password length exceeds 72 bytes/)
})

test('argon2 is Argon2id with 64 bytes of output, its parameters taken from the value', () => {
  // Made with the reference implementation: argon2 saltsaltsaltsalt -id -t 1 -k 64 -p 1 -l 64
  const salt = Buffer.from('saltsaltsaltsalt').toString('base64')
  const stored = hashNow('secret', { hash: 'argon2', argon2Time: 1, argon2Memory: 64, argon2Threads: 1 })
  assert.match(stored, /^argon2:1:64:1:[A-Za-z0-9+/]{22}==:[A-Za-z0-9+/]{86}==$/)
  assert.equal(verifySync(stored, 'secret'), true)
  assert.equal(verifySync(stored, 'Secret'), false)
  assert.equal(verifySync(stored.replace(/^argon2:1:64:1:[^:]+/, `argon2:1:64:1:${salt}`), 'secret'), false)
})

test('a new argon2 hash takes 2 passes, 1024 KiB and one thread', () => {
  assert.match(hashNow('x', { hash: 'argon2' }), /^argon2:2:1024:1:/)
})

test('SCRAM keys are those of the example in RFC 7677, and verify the password', () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
  assert.equal(newScram('pencil', salt, 4096), pencil)
  assert.equal(verifySync(pencil, 'pencil'), true)
  assert.equal(verifySync(pencil, 'Pencil'), false)
})

test('new SCRAM keys take 65536 iterations, or as many as are asked for, and never fewer than clients accept', () => {
  assert.match(hashNow('x', { hash: 'scram-sha-256' }), /^scram-sha-256:65536:[^:]{22}==:[^:]{43}=:[^:]{43}=$/)
  assert.match(hashNow('x', { hash: 'scram-sha-256', scramIterations: 5_000 }), /^scram-sha-256:5000:/)
  for (const scramIterations of [4_095, 10_000_001, 4_096.5]) {
    assert.throws(() => hashNow('x', { hash: 'scram-sha-256', scramIterations }), /^RangeError: SCRAM takes from 4096/)
  }
})

test('any other hash cannot be made', () => {
  assert.throws(
    () => hashNow('x', { hash: 'sha256' }),
    /^RangeError: unknown hash sha256; there are bcrypt, argon2, scram-sha-256/,
  )
})

for (const stored of [
  '',
  '{SHA512}abc',
  'md5:x',
  'sha256:c2FsdA==:aGFzaA==',
  'bcrypt:',
  'bcrypt:$2a$10$tooshort',
  `${vector('$2a$')}x`,
  vector('$2a$').replace('05$', '03$'),
  vector('$2a$').replace('05$', '32$'),
  'argon2:1:64:1',
  'argon2:1:64:1:AAAAAAAAAAAAAAAAAAAAAA==',
  'argon2:1:64:1:****:AAAA',
  'argon2:x:64:1:AAAAAAAAAAAAAAAAAAAAAA==:AAAA',
  'argon2:0:64:1:AAAAAAAAAAAAAAAAAAAAAA==:AAAA',
  'argon2:1:64:1:AAAA:AAAA',
  'argon2:1:64:16:AAAAAAAAAAAAAAAAAAAAAA==:AAAA',
  'argon2:1:4294967295:1:AAAAAAAAAAAAAAAAAAAAAA==:AAAA',
  'scram-sha-256:4096',
  pencil.replace('4096', '4095'),
  pencil.replace('4096', '99999999'),
  pencil.replace('4096', 'x'),
  pencil.replace(/:[^:]*$/, ''),
  pencil.replace(/:[^:]*$/, ':AAAA'),
  pencil.replace('W22Z', '****'),
  `${pencil}:x`,
]) {
  test(`the stored value ${JSON.stringify(stored)} is an error and no wrong password`, () => {
    assert.throws(
      () => verifySync(stored, 'x'),
      (error) => error instanceof PasswordFormatError,
    )
  })
}

test('an argon2 hash of another length is no match', () => {
  assert.equal(verifySync('argon2:1:64:1:AAAAAAAAAAAAAAAAAAAAAA==:AAAA', 'x'), false)
})
