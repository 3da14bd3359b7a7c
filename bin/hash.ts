import { hashes, PasswordHasher } from '../core/kit/password/index.ts'
import { scramIterations } from '../core/kit/sasl/index.ts'
import type { Command } from './command.ts'
import { bcryptCostOf, hashName } from './hash_options.ts'
import { numberOption } from './number.ts'
import { askPassword } from './prompt.ts'

/** What a password is kept as: for tables that are written by hand. Reads no configuration. */
export const hash: Command = {
  doc: 'Print what a password is kept as, for use in a table.',
  options: {
    password: { type: 'string', short: 'p', usage: 'TEXT', doc: 'The password; asked for when this is left out.' },
    hash: { type: 'string', usage: hashes.join('|'), doc: 'The algorithm; bcrypt by default.' },
    'bcrypt-cost': { type: 'string', usage: 'N', doc: 'From 4 to 31; 10 by default.' },
    'argon2-time': { type: 'string', usage: 'N', doc: 'Passes over the memory; 2 by default.' },
    'argon2-memory': { type: 'string', usage: 'KIB', doc: 'Memory in KiB; 1024 by default.' },
    'argon2-threads': { type: 'string', usage: 'N', doc: 'Lanes; 1 by default.' },
    'scram-iterations': { type: 'string', usage: 'N', doc: 'From 4096 on; 65536 by default.' },
  },
  async run(call) {
    const options = {
      hash: hashName(call) ?? 'bcrypt',
      bcryptCost: bcryptCostOf(call),
      argon2Time: numberOption(call, 'argon2-time', 2, 1, 2 ** 32 - 1),
      argon2Memory: numberOption(call, 'argon2-memory', 1024, 8, 4 * 1024 * 1024),
      argon2Threads: numberOption(call, 'argon2-threads', 1, 1, 255),
      scramIterations: numberOption(call, 'scram-iterations', scramIterations, 4096, 10_000_000),
    }
    const password = await askPassword('Enter password', call.options.text('password'))
    if (password === '') warn('the password is empty')
    if (password !== password.trim()) warn('the password begins or ends with white space')
    await using hasher = new PasswordHasher()
    process.stdout.write(`${await hasher.hash(password, options)}\n`)
    return 0
  },
}

const warn = (text: string): void => {
  process.stderr.write(`Warning: ${text}\n`)
}
