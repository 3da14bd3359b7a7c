import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { Registry } from '../../../core/runtime/registry.ts'
import { folder } from '../../support/process.ts'

const good = {
  'node_modules/good/package.json': '{"name":"good","type":"module","tsmaddy":{"modules":{"target.good":"./good.js"}}}',
  'node_modules/good/good.js': `
    import { defineModule, Target } from 'tsmaddy'
    export default defineModule({ name: 'target.good', doc: '', provides: [Target], config: {}, create: () => ({}) })`,
}

for (const [what, manifest] of Object.entries({
  'no JSON': '{ "tsmaddy": not json',
  'null where modules belong': '{"name":"odd","tsmaddy":{"modules":null}}',
  'null where an object belongs': '{"name":"odd","tsmaddy":null}',
  'a file that is a number': '{"name":"odd","tsmaddy":{"modules":{"target.odd":7}}}',
  'a text in place of modules': '{"name":"odd","tsmaddy":{"modules":"tsmaddy"}}',
})) {
  test(`a package.json with ${what} keeps nobody from the modules of other packages`, async () => {
    await using place = await folder({ ...good, 'node_modules/a-odd/package.json': manifest })
    using registry = new Registry([join(place.path, 'node_modules')])
    assert.equal((await registry.find('target.good'))?.name, 'target.good')
    assert.equal(await registry.find('target.odd'), undefined)
  })
}

test('a package that names a file it does not have is blamed by name', async () => {
  const manifest = '{"name":"odd","tsmaddy":{"modules":{"target.odd":"./none.js"}}}'
  await using place = await folder({ 'node_modules/odd/package.json': manifest })
  using registry = new Registry([join(place.path, 'node_modules')])
  await assert.rejects(registry.find('target.odd'), /module target\.odd of package odd cannot be loaded: /)
})

test('a package whose module calls itself something else is refused', async () => {
  const manifest = good['node_modules/good/package.json'].replace('target.good', 'target.other')
  await using place = await folder({ ...good, 'node_modules/good/package.json': manifest })
  using registry = new Registry([join(place.path, 'node_modules')])
  await assert.rejects(
    registry.find('target.other'),
    /says that .*good\.js is target\.other, but it calls itself target\.good/,
  )
})
