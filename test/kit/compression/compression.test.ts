import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { compressBytes, compressStream, decompressStream } from '../../../core/kit/compression/index.ts'

const inputs = {
  nothing: Buffer.alloc(0),
  'a little': Buffer.from('a little text'),
  'much of the same': Buffer.alloc(3_000_000, 'the same again, '),
  'much without order': randomBytes(300_000),
}

async function* pieces(bytes: Uint8Array, size = 10_000): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const gather = async (source: AsyncIterable<Uint8Array>): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(source))

for (const algorithm of ['lz4', 'zstd'] as const) {
  for (const [name, input] of Object.entries(inputs)) {
    test(`${algorithm}: ${name} comes back as it was, as bytes and as a stream`, async () => {
      for (const level of [-5, 1, 4, 8, 22]) {
        const bytes = await compressBytes(algorithm, input, level)
        assert.ok(input.equals(await gather(decompressStream(algorithm, pieces(bytes, 7777)))))
        const streamed = await gather(compressStream(algorithm, pieces(input), level))
        assert.ok(input.equals(await gather(decompressStream(algorithm, pieces(streamed)))))
      }
    })
  }

  test(`${algorithm}: what it did not write, or ends too soon, is an error`, async () => {
    const whole = await compressBytes(algorithm, inputs['much without order'])
    for (const bad of [Buffer.from('this is no frame at all'), whole.subarray(0, 1000)]) {
      await assert.rejects(gather(decompressStream(algorithm, pieces(bad))))
    }
  })

  test(`${algorithm}: an error of the source is passed on, both ways`, async () => {
    const broken = async function* (): AsyncIterable<Uint8Array> {
      yield Buffer.from('x')
      throw new Error('source broke')
    }
    await assert.rejects(gather(compressStream(algorithm, broken())), /source broke/)
    await assert.rejects(gather(decompressStream(algorithm, broken())), /source broke/)
  })

  test(`${algorithm}: the usual program writes what we read and reads what we write`, {
    skip: !has(algorithm),
  }, async () => {
    const input = inputs['much of the same']
    const ours = await compressBytes(algorithm, input)
    assert.ok(
      input.equals(
        execFileSync(algorithm, ['-dc'], { input: ours, maxBuffer: 2 ** 24, stdio: ['pipe', 'pipe', 'ignore'] }),
      ),
    )
    const theirs = execFileSync(algorithm, ['-9', '-c'], {
      input,
      maxBuffer: 2 ** 24,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    assert.ok(input.equals(await gather(decompressStream(algorithm, pieces(theirs)))))
  })
}

test('whoever stops reading early leaves nothing running', async () => {
  const bytes = await compressBytes('zstd', inputs['much without order'])
  for await (const chunk of decompressStream('zstd', pieces(bytes, 100))) {
    assert.ok(chunk.length > 0)
    break
  }
})

function has(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
