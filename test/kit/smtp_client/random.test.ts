import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SmtpClientError } from '../../../core/kit/smtp/client/index.ts'
import { SmtpError } from '../../../core/kit/smtp/error.ts'
import { scripted } from './scripted.ts'
import { ann, bob, connected, messageOf } from './support.ts'

const noise = fc.oneof(
  fc.constantFrom('220 x\r\n', '250 ok\r\n', '250-a\r\n', '354 go\r\n', '550 5.1.1 no\r\n', '421 bye\r\n'),
  fc.constantFrom('\r', '\n', '\0', '25', '-', ' ', '250', '\xff', '999 x\r\n', '250-SIZE 1\r\n', '334 AAAA\r\n'),
  fc.string({ unit: 'binary', maxLength: 30 }),
)

test('a server that says anything at all is refused, or understood, and nothing else', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(noise, { maxLength: 20 }), async (said) => {
      await using server = await scripted(async (peer) => {
        peer.say('220 hello')
        for (const piece of said) {
          peer.raw(piece)
          await peer.line()
        }
      })
      try {
        const client = await connected(server, { timeouts: { connect: 2_000, command: 15, submission: 15 } })
        await client.authenticate({ mechanism: 'LOGIN', username: 'a', password: 'b' })
        const transaction = client.begin(ann)
        await transaction.recipient(bob)
        await transaction.message(messageOf())
        await client.quit()
      } catch (error) {
        assert.ok(error instanceof SmtpError || error instanceof SmtpClientError, String(error))
      }
    }),
    { numRuns: 200 },
  )
})
