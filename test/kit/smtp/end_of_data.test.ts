import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from './recorder.ts'

/** What an attacker hopes that one server takes for the end of a message, and another does not. */
const ends = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r\n.\r',
  '\r.\r\n',
  '\n.\r',
  '\r\n.\0\r\n',
  '\r\n\0.\r\n',
  '\r\0\n.\r\0\n',
  '\r\n.\r\r\n',
  '\r\r\n.\n',
  '\r\n .\r\n',
  '\r\n..\r\n',
  '\n\n.\n\n',
  '\r\n.\n\r\n',
]

const smuggled = 'MAIL FROM:<evil@h.example>\r\nRCPT TO:<b@h.example>\r\nDATA\r\nX: y\r\n'

for (const bareNewlines of ['refuse', 'normalize'] as const) {
  for (const end of ends) {
    const content = `A: b\r\n\r\ntext${end}${smuggled}`
    test(`${JSON.stringify(end)} does not end a message (${bareNewlines})`, async () => {
      await using server = await serve({ bareNewlines })
      await using client = await server.ready()
      await client.command('DATA', '354 *')
      client.send(`${content}\r\n.\r\nQUIT\r\n`)
      const reply = await client.reply()
      assert.match(reply[0] ?? '', /^(250 2\.0\.0 OK|554 5\.6\.0 )/)
      await client.expect('221 *')
      await client.closed()
      assert.ok(server.recorder.messages.length <= 1)
      for (const { from, content } of server.recorder.messages) {
        assert.equal(from, 'a@h.example')
        assert.ok(content.includes('evil'))
        assert.doesNotMatch(content, /\r(?!\n)|(?<!\r)\n/, 'no bare CR or LF goes on')
      }
    })

    test(`${JSON.stringify(end)} does not either, octet by octet (${bareNewlines})`, async () => {
      await using server = await serve({ bareNewlines })
      await using client = await server.ready()
      await client.command('DATA', '354 *')
      for (const octet of `text${end}`) await client.packet(octet)
      client.send(`${smuggled}\r\n.\r\nQUIT\r\n`)
      assert.match((await client.reply())[0] ?? '', /^(250 2\.0\.0 OK|554 5\.6\.0 )/)
      await client.expect('221 *')
      await client.closed()
    })
  }
}

for (const bareNewlines of ['refuse', 'normalize'] as const) {
  test(`chunks hold no end of data, and no bare newline goes on from them (${bareNewlines})`, async () => {
    await using server = await serve({ bareNewlines })
    await using client = await server.ready()
    const content = `A: b\r\n\r\n${ends.join('text')}${smuggled}`
    client.send(`BDAT ${content.length} LAST\r\n${content}QUIT\r\n`)
    await client.expect(bareNewlines === 'refuse' ? '554 5.6.0 *' : '250 *')
    await client.expect('221 *')
    for (const { content } of server.recorder.messages) assert.doesNotMatch(content, /\r(?!\n)|(?<!\r)\n/)
  })
}

test('the end is seen however it is cut into packets', async () => {
  for (let cut = 1; cut < 5; cut++) {
    await using server = await serve()
    await using client = await server.ready()
    await client.command('DATA', '354 *')
    const whole = 'A: b\r\n\r\n..dot\r\n.\r\n'
    await client.packet(whole.slice(0, -cut))
    client.send(whole.slice(-cut))
    await client.expect('250 *')
    assert.equal(server.recorder.messages[0]?.content, 'A: b\r\n\r\n.dot\r\n')
  }
})

test('bare newlines become CRLF where they are mended', async () => {
  await using server = await serve({ bareNewlines: 'normalize' })
  await using client = await server.ready()
  await client.command('DATA', '354 *')
  await client.packet('A: b\n\nx\ry\r')
  client.send('z\r\r\n\n.\nend\r\n.\r\n')
  await client.expect('250 *')
  assert.equal(server.recorder.messages[0]?.content, 'A: b\r\n\r\nx\r\ny\r\nz\r\n\r\n\r\n.\r\nend\r\n')
})
