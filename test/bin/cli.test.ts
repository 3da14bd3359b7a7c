import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { echoPackage } from '../support/echo.ts'
import { folder, program, tsmaddy } from '../support/process.ts'

test('without a command, help goes to standard output', async () => {
  const done = await tsmaddy([])
  assert.equal(done.status, 0)
  assert.match(done.stdout, /^tsmaddy \[OPTION…\] COMMAND/)
  assert.match(done.stdout, /^ {2}run +Run the server\.$/m)
})

test('help of a command names its words and options', async () => {
  for (const args of [
    ['help', 'creds', 'create'],
    ['creds', 'help', 'create'],
    ['creds', 'create', '--help'],
  ]) {
    const done = await tsmaddy(args)
    assert.equal(done.status, 0)
    assert.match(done.stdout, /^tsmaddy creds create \[OPTION…\] USERNAME\n/)
    assert.match(done.stdout, /-p, --password TEXT/)
  }
})

test('an old Node is refused in one clear line', () => {
  const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })`
  const args = ['--import', `data:text/javascript,${encodeURIComponent(old)}`, program, 'version']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  assert.deepEqual([status, stdout, stderr], [2, '', 'tsmaddy needs Node 24 or newer, and this is Node 20.1.0\n'])
})

const refused: Readonly<Record<string, readonly [string[], number, RegExp]>> = {
  'an unknown command': [['chekc'], 3, /^Error: there is no command chekc; did you mean check\?\n$/],
  'an unknown command of a group': [
    ['creds', 'lsit'],
    3,
    /^Error: there is no command creds lsit; did you mean creds list\?\n$/,
  ],
  'an unknown topic of help': [['help', 'nothing-like-it'], 3, /^Error: there is no command nothing-like-it\n$/],
  'an unknown option': [['run', '-nope'], 2, /^Error: there is no option -nope here\n$/],
  'a word too much': [['run', 'now'], 2, /^Error: now is too much: tsmaddy run\n$/],
  'a missing word': [['creds', 'remove'], 2, /^Error: USERNAME is missing: tsmaddy creds remove USERNAME\n$/],
  'an option after the words': [['creds', 'remove', 'u', '-y'], 2, /^Error: -y is too much; options come first: /],
  'a log that makes no sense': [['-log', 'off,stderr', 'run'], 2, /^Error: cannot open the log: off excludes/],
  'a DNS server without a port': [['-debug.dnsoverride', 'x', 'run'], 2, /-debug\.dnsoverride needs IP:PORT, not x/],
  'a port that is none': [['-debug.smtpport', '0', 'run'], 2, /expected a port/],
  'a configuration that is not there': [['-config', '/no/such/file', 'check'], 2, /cannot read \/no\/such\/file/],
}
for (const [what, [args, status, said]] of Object.entries(refused)) {
  test(`${what} ends with status ${status} and one message on standard error`, async () => {
    const done = await tsmaddy(args)
    assert.equal(done.status, status)
    assert.equal(done.stdout, '')
    assert.match(done.stderr, said)
  })
}

test('version tells version, platform and runtime, and then the default paths', async () => {
  const { stdout } = await tsmaddy(['version'])
  assert.match(
    stdout,
    /^\d+\.\d+\.\d+ \w+\/\w+ v24\..*\n\n.*\/etc\/maddy\/maddy\.conf\n.*\/var\/lib\/maddy\n.*\/run\/maddy\n$/,
  )
})

test('run -v tells the version and runs nothing', async () => {
  assert.match((await tsmaddy(['run', '-v'])).stdout, /^tsmaddy \d/)
})

test('completion lists commands, those of a group, and options', async () => {
  assert.match((await tsmaddy(['--generate-bash-completion'])).stdout, /^run\n/)
  assert.equal((await tsmaddy(['creds', '--generate-bash-completion'])).stdout, 'list\ncreate\nremove\npassword\n')
  assert.match((await tsmaddy(['hash', '--generate-bash-completion'])).stdout, /^password\n/)
})

const conf = (rest: string) => ({ ...echoPackage, 'tsmaddy.conf': `state_dir state\nruntime_dir run\n${rest}` })

test('check finds nothing wrong, opens nothing and makes nothing', async () => {
  await using place = await folder(conf('echo tcp://127.0.0.1:0\n'))
  const done = await tsmaddy(['check', '-config', 'tsmaddy.conf'], { cwd: place.path })
  assert.deepEqual(done, { status: 0, stdout: '', stderr: 'tsmaddy.conf: no errors\n' })
  assert.deepEqual((await readdir(place.path)).sort(), ['node_modules', 'tsmaddy.conf'])
})

test('check takes a file as its word, and answers to verify-config as well', async () => {
  await using place = await folder(conf('echo tcp://127.0.0.1:0\n'))
  assert.equal((await tsmaddy(['verify-config', 'tsmaddy.conf'], { cwd: place.path })).status, 0)
})

test('check names every problem with its place, and ends with 2', async () => {
  await using place = await folder(conf('echo tcp://127.0.0.1:0 {\n one\n two\n}\nnothing {\n}\n'))
  const done = await tsmaddy(['check', 'tsmaddy.conf'], { cwd: place.path })
  assert.equal(done.status, 2)
  const places = done.stderr.match(/tsmaddy\.conf:\d+:\d+/g)
  assert.deepEqual(new Set(places), new Set(['tsmaddy.conf:4:2', 'tsmaddy.conf:5:2', 'tsmaddy.conf:7:1']))
  assert.match(done.stderr, /tsmaddy\.conf: 3 errors\n$/)
})

test('check shows warnings and is content all the same', async () => {
  await using place = await folder(conf('echo tcp://127.0.0.1:0 {\n greeting "{env:NO_SUCH_NAME}x"\n}\n'))
  const done = await tsmaddy(['check', 'tsmaddy.conf'], { cwd: place.path })
  assert.equal(done.status, 0)
  assert.match(done.stderr, /^warning: .*tsmaddy\.conf:4:11: the environment variable "NO_SUCH_NAME" is not set/)
})

test('check tells mistakes in what concerns the process together with all others', async () => {
  await using place = await folder({ 'tsmaddy.conf': 'debug maybe\nlog off stderr\nnothing {\n}\n' })
  const done = await tsmaddy(['check', 'tsmaddy.conf'], { cwd: place.path })
  assert.match(done.stderr, /^tsmaddy\.conf:1:7: .*\ntsmaddy\.conf:2:5: .*\ntsmaddy\.conf:3:1: /)
})

test('check shows warnings beside errors, which may come of them', async () => {
  await using place = await folder(conf('echo tcp://127.0.0.1:0 {\n grace "{env:NO_SUCH_NAME}"\n}\n'))
  const done = await tsmaddy(['check', 'tsmaddy.conf'], { cwd: place.path })
  assert.equal(done.status, 2)
  assert.match(done.stderr, /^warning: .*"NO_SUCH_NAME" is not set.*\ntsmaddy\.conf:4:8: expected a duration/)
})

test('manual lists the other modules when a package is broken, and names it', async () => {
  const manifest = JSON.stringify({ name: 'odd', tsmaddy: { modules: { 'target.odd': './none.js' } } })
  await using place = await folder({ ...conf(''), 'node_modules/odd/package.json': manifest })
  const done = await tsmaddy(['manual', '-config', 'tsmaddy.conf'], { cwd: place.path })
  assert.equal(done.status, 0)
  assert.match(done.stdout, /^echo {2,}Repeats/m)
  assert.match(done.stderr, /^Warning: module target\.odd of package odd cannot be loaded/)
})

test('manual describes a module of a package from its declaration', async () => {
  await using place = await folder(conf(''))
  const done = await tsmaddy(['manual', '-config', 'tsmaddy.conf', 'echo'], { cwd: place.path })
  assert.match(done.stdout, /^# echo ADDRESS…\n\nRepeats what it hears\.\n/)
  assert.match(done.stdout, /^greeting TEXT\n {4}What is said first\. \(default: hello\)$/m)
})

test('manual names a near module when there is none of that name', async () => {
  const done = await tsmaddy(['manual', 'table.statik'])
  assert.equal(done.status, 2)
  assert.match(done.stderr, /there is no module table\.statik; did you mean table\.static\?/)
})

test('manual --json lists modules, the top level and blocks for machines', async () => {
  const { modules, globals, blocks } = JSON.parse((await tsmaddy(['manual', '--json'])).stdout)
  const names = modules.map(({ name }: { name: string }) => name)
  assert.equal(new Set(names).size, names.length)
  assert.ok(names.includes('table.static'))
  const find = (list: { name: string }[], name: string) => list.find((each) => each.name === name)
  const { doc, ...debug } = find(globals, 'debug') as { name: string; doc: string }
  assert.notEqual(doc, '')
  assert.deepEqual(debug, {
    name: 'debug',
    args: 'bool',
    default: 'no',
    required: false,
    inherits: false,
    repeatable: false,
  })
  assert.ok(find(blocks['pipeline.destination'], 'deliver_to'))
  assert.ok(find(blocks.tls, 'loader'))
})

test('every directive of the top level is documented', async () => {
  const { globals } = JSON.parse((await tsmaddy(['manual', '--json'])).stdout)
  for (const { name, doc } of globals) assert.notEqual(doc, '', name)
})
