import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Options, parseOptions } from '../../bin/options.ts'

const options: Options = {
  config: { type: 'string', usage: 'FILE', doc: '' },
  password: { type: 'string', short: 'p', doc: '' },
  'debug.smtpport': { type: 'string', doc: '' },
  flag: { type: 'string', short: 'f', multiple: true, doc: '' },
  uid: { type: 'boolean', short: 'u', doc: '' },
}
const parse = (...args: string[]) => {
  const { values, rest } = parseOptions(args, options)
  return { values: { ...values }, rest }
}

const cases: Readonly<Record<string, readonly [string[], Record<string, unknown>, string[]]>> = {
  'one dash is as good as two': [['-config', 'a', '--debug.smtpport', '1'], { config: 'a', 'debug.smtpport': '1' }, []],
  'a value may follow an equals sign, and may hold one': [['-config=a=b'], { config: 'a=b' }, []],
  'a value may begin with a dash': [['-p', '-x'], { password: '-x' }, []],
  'a value may be empty': [['-p', ''], { password: '' }, []],
  'a boolean stands alone or is given a value': [['-u', 'x'], { uid: true }, ['x']],
  'a boolean can be false': [['-u=false'], { uid: false }, []],
  'a list is repeated or has commas': [['-f', 'a, b', '-flag=c'], { flag: ['a', 'b', 'c'] }, []],
  'options end at the first word that is none': [['x', '-u'], {}, ['x', '-u']],
  'options end after two dashes': [['-u', '--', '-u'], { uid: true }, ['-u']],
  'a single dash is a word': [['-', '-u'], {}, ['-', '-u']],
}
for (const [title, [args, values, rest]] of Object.entries(cases)) {
  test(title, () => assert.deepEqual(parse(...args), { values, rest }))
}

test('an unknown option is an error that names a near one', () => {
  assert.throws(() => parse('-confg', 'x'), /^UsageError: there is no option -confg here; did you mean -config\?$/)
})

test('an option without its value is an error', () => {
  assert.throws(() => parse('-config'), /-config needs FILE/)
})

test('a boolean that is neither true nor false is an error', () => {
  assert.throws(() => parse('-uid=maybe'), /-uid is true or false, not maybe/)
})
