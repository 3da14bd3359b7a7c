import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SmtpError } from '../../../core/kit/smtp/error.ts'
import { Content } from '../../../core/kit/smtp/server/content.ts'
import { Dots } from '../../../core/kit/smtp/server/dots.ts'

type BareNewlines = 'refuse' | 'normalize'

interface Outcome {
  /** How many octets belong to the data, its end included; undefined when the end has not come. */
  readonly taken: number | undefined
  /** What the reader got; undefined when it was refused. */
  readonly content: string | undefined
}

/** What DATA makes of octets that come in these packets. */
const received = async (packets: readonly string[], bareNewlines: BareNewlines): Promise<Outcome> => {
  const content = new Content({ maxSize: 0, maxLine: Number.POSITIVE_INFINITY, bareNewlines })
  const dots = new Dots(content)
  let before = 0
  let taken: number | undefined
  for (const packet of packets) {
    const end = dots.feed(Buffer.from(packet, 'latin1'))
    if (end >= 0) {
      taken = before + end
      break
    }
    before += packet.length
  }
  content.end()
  try {
    return { taken, content: Buffer.concat(await Array.fromAsync(content)).toString('latin1') }
  } catch (error) {
    assert.ok(error instanceof SmtpError)
    return { taken, content: undefined }
  }
}

/** The same, said once more and with no thought of packets (RFC 5321 §2.3.8, §4.5.2), for octets that have an end. */
const expected = (octets: string, bareNewlines: BareNewlines): Outcome => {
  const end = `\r\n${octets}`.indexOf('\r\n.\r\n')
  const plain = octets.slice(0, end).replace(/(?<=^|\r\n)\./g, '')
  const mended = plain.replace(/\r(?!\n)|(?<!\r)\n/g, '\r\n').replace(/(?<=(?:^|\r\n)\0+)\./g, '\r\n.')
  return { taken: end + 3, content: bareNewlines === 'refuse' && mended !== plain ? undefined : mended }
}

/** All texts of that length over some letters. */
function* texts(letters: string, length: number): Generator<string> {
  if (length === 0) yield ''
  else for (const rest of texts(letters, length - 1)) for (const letter of letters) yield letter + rest
}

for (const bareNewlines of ['refuse', 'normalize'] as const) {
  for (const [letters, longest] of [
    ['\r\n.', 7],
    ['\r\n.x', 6],
    ['\r\n.\0', 6],
  ] as const) {
    const shown = JSON.stringify(letters)
    test(`of any few octets among ${shown} the same is made, whole and octet by octet (${bareNewlines})`, async () => {
      for (let length = 0; length <= longest; length++) {
        for (const text of texts(letters, length)) {
          // Behind it stands the one true end, so that there is one whatever the text is.
          const octets = `${text}\r\n.\r\n`
          const outcome = expected(octets, bareNewlines)
          assert.deepEqual(await received([octets], bareNewlines), outcome, JSON.stringify(octets))
          assert.deepEqual(await received([...octets], bareNewlines), outcome, `${JSON.stringify(octets)} in octets`)
        }
      }
    })
  }

  test(`and wherever it is cut in two (${bareNewlines})`, async () => {
    for (const text of texts('\r\n.\0', 5)) {
      const octets = `${text}\r\n.\r\n`
      const outcome = expected(octets, bareNewlines)
      for (let cut = 1; cut < octets.length; cut++) {
        const packets = [octets.slice(0, cut), octets.slice(cut)]
        assert.deepEqual(await received(packets, bareNewlines), outcome, JSON.stringify(packets))
      }
    }
  })
}

for (const line of ['..\r\n', '\n', '\r', '\0.\r\n', '\r\n']) {
  test(`megabytes of ${JSON.stringify(line)} take no longer than of anything else`, async () => {
    const packet = Buffer.from(line.repeat(65_536 / line.length))
    const content = new Content({ maxSize: 0, maxLine: Number.POSITIVE_INFINITY, bareNewlines: 'normalize' })
    const dots = new Dots(content)
    const started = performance.now()
    const reading = Array.fromAsync(content)
    for (let count = 0; count < 64; count++) {
      dots.feed(packet)
      await new Promise<void>((resolve) => content.whenReady(resolve))
    }
    content.end()
    await reading
    assert.ok(performance.now() - started < 3000)
  })
}

test('single octets that wait for a reader are read in one piece', async () => {
  const content = new Content({ maxSize: 0, maxLine: Number.POSITIVE_INFINITY, bareNewlines: 'refuse' })
  for (const octet of 'Hello') content.push(Buffer.from(octet))
  content.end()
  assert.deepEqual(await Array.fromAsync(content), [Buffer.from('Hello')])
})
