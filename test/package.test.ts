import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))

/** The folder of the package as somebody has it who has installed it, but that it shares its packages with the checkout. */
let installed = ''
const held = new AsyncDisposableStack()

before(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-package-'))
  held.defer(() => rm(folder, { recursive: true }))
  const source = join(folder, 'source')
  await mkdir(source)
  const { files } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const needed = ['bin', 'core', 'grammar', 'modules', 'package.json', 'tsconfig.json', 'tsconfig.build.json', ...files]
  for (const name of new Set<string>(needed)) {
    if (name !== 'dist') await cp(join(root, name), join(source, name), { recursive: true })
  }
  await symlink(join(root, 'node_modules'), join(source, 'node_modules'))
  await withoutTypes(join(source, 'tsconfig.build.json'))
  await execute('npm', ['pack', '--pack-destination', folder], { cwd: source })
  const [tarball = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'))
  const packages = join(folder, 'node_modules') // where Node strips no types
  await mkdir(packages)
  await execute('tar', ['-xzf', join(folder, tarball), '-C', packages])
  installed = join(packages, 'package')
  await symlink(join(root, 'node_modules'), join(installed, 'node_modules'))
})

after(() => held.disposeAsync())

/** The types are checked elsewhere, and one mistake in them is not to look like another here. */
const withoutTypes = async (file: string): Promise<void> => {
  const config = JSON.parse(await readFile(file, 'utf8'))
  config.compilerOptions.noCheck = true
  await writeFile(file, JSON.stringify(config))
}

/** Every file below a folder, by its path from there. */
const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))

/** Runs what is installed. Resolves to what it prints. */
const tsmaddy = async (args: readonly string[], input = ''): Promise<string> => {
  const running = execute(process.execPath, [join(installed, 'bin', 'tsmaddy'), ...args], { cwd: installed })
  running.child.stdin?.end(input)
  const { stdout } = await running
  return stdout
}

test('the package has all of the configurations, containers, units and documents', async () => {
  for (const folder of ['conf', 'docs']) {
    assert.deepEqual((await filesIn(join(installed, folder))).sort(), (await filesIn(join(root, folder))).sort())
  }
})

for (const folder of ['core', 'grammar', 'modules', 'bin']) {
  test(`the package has each file of ${folder}, built where it is TypeScript`, async () => {
    const wanted = (await filesIn(join(root, folder)))
      .filter((file) => file !== 'tsmaddy')
      .flatMap((file) =>
        /(?<!\.d)\.ts$/.test(file) ? [file.replace(/ts$/, 'js'), file.replace(/ts$/, 'd.ts')] : [file],
      )
    assert.deepEqual((await filesIn(join(installed, 'dist', folder))).sort(), wanted.sort())
  })
}

test('what is installed finds all modules', async () => {
  assert.equal(
    await tsmaddy(['manual']),
    (await execute(process.execPath, ['bin/tsmaddy', 'manual'], { cwd: root })).stdout,
  )
})

test('what is installed keeps a user, a mailbox and a message', async () => {
  const config = ['--config', 'conf/dev.conf']
  await tsmaddy([...config, 'creds', 'create', '--password', 'secret', '--bcrypt-cost', '4', 'ann@example.test'])
  await tsmaddy([...config, 'imap-acct', 'create', 'ann@example.test'])
  await tsmaddy([...config, 'imap-msgs', 'add', 'ann@example.test', 'INBOX'], 'Subject: kept\r\n\r\nHello.\r\n')
  assert.match(await tsmaddy([...config, 'imap-msgs', 'list', 'ann@example.test', 'INBOX']), /^UID 1: .*kept$/m)
})
