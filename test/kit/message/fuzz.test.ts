import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { fileBody } from '../../../core/kit/message/body.ts'
import { describeBytes, describeContent } from '../../../core/kit/message/content.ts'
import { HeaderError, lenientHeader, parseHeader } from '../../../core/kit/message/header.ts'
import type { Body } from '../../../core/kit/message/message.ts'
import type { Structure } from '../../../core/kit/message/structure.ts'
import { chunked, temporaryDirectory } from './support.ts'

const piece = fc.constantFrom(
  'Content-Type: multipart/mixed; boundary=b\r\n',
  'Content-Type: multipart/digest; boundary="b2"\n',
  'Content-Type: message/rfc822\r\n',
  'Content-Type: text/html; charset=x\r\n',
  'Content-Type: image/png\r\n',
  'Subject: x\r\n',
  '--b\r\n',
  '--b--\r\n',
  '--b2\n',
  '--b2--',
  '\r\n',
  '\n',
  '\r',
  '--',
  '-',
  'text',
  ' ',
  '\0\xff',
  'y'.repeat(1200),
)

/** Something like a message, and nothing like one. */
const message = fc.oneof(
  { weight: 5, arbitrary: fc.string({ unit: piece, maxLength: 40 }).map((text) => Buffer.from(text, 'latin1')) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
)

/** A body outside memory, in chunks of this size. */
function streamed(bytes: Buffer, size: number): Body {
  return { size: bytes.length, memory: undefined, read: () => chunked(bytes, size) }
}

/** Fails where offsets, sizes and line counts do not fit each other. */
function checkPart(content: Buffer, part: Structure): void {
  const [header, body, end] = part.At ?? [0, 0, 0]
  assert.ok(header <= body && body <= end && end <= content.length)
  const multipart = part.MIMEType === 'multipart'
  assert.equal(part.Size, multipart ? 0 : end - body)
  const text = content.toString('latin1', body, end)
  const counted = text.split('\n').length - (text.endsWith('\n') || text === '' ? 1 : 0)
  const hasLines = part.MIMEType === 'text' || part.MIMESubType === 'rfc822'
  assert.equal(part.Lines, hasLines ? counted : 0)
  for (const inner of [...(part.Parts ?? []), ...(part.BodyStructure ? [part.BodyStructure] : [])]) {
    assert.ok(body <= (inner.At?.[0] ?? -1) && (inner.At?.[2] ?? 0) <= end)
    checkPart(content, inner)
  }
}

test('any bytes are described, with offsets, sizes and lines that fit', () => {
  fc.assert(
    fc.property(message, (content) => {
      const { structure, bodyOffset, header } = describeBytes(content)
      assert.deepEqual([structure.At?.[0], structure.At?.[1], structure.At?.[2]], [0, bodyOffset, content.length])
      assert.ok(header.size <= bodyOffset + 2)
      checkPart(content, structure)
    }),
    { numRuns: 3000 },
  )
})

test('a message is described alike in memory and in chunks of any size', async () => {
  await fc.assert(
    fc.asyncProperty(message, fc.integer({ min: 1, max: 70 }), async (content, size) => {
      const { structure, cachedHeader, header } = await describeContent(streamed(content, size))
      const inMemory = describeBytes(content)
      assert.deepEqual(structure, inMemory.structure)
      assert.deepEqual(cachedHeader, inMemory.cachedHeader)
      assert.deepEqual(header.bytes(), inMemory.header.bytes())
    }),
    { numRuns: 1500 },
  )
})

test('a message in a file is described as in memory', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'message')
  const filler = `${'line of text, and --b in it\r\n'.repeat(4000)}\r\n`
  const parts = [filler, `A: ${'x'.repeat(200_000)}\r\n\r\nb`, `\r\n--${'z'.repeat(70_000)}`, `\r\n${filler}`]
  const content = Buffer.from(
    `Content-Type: multipart/mixed; boundary=b\r\n\r\n${parts.map((part) => `--b\r\n${part}\r\n`).join('')}--b--`,
  )
  await writeFile(path, content)
  const described = await describeContent(fileBody(path, 0, content.length))
  assert.equal(described.structure.Parts?.length, 4)
  assert.deepEqual(described.structure, describeBytes(content).structure)
})

test('any bytes are a header or a HeaderError, and always a lenient header', () => {
  const bytes = fc.oneof(
    message,
    fc.string({ unit: fc.constantFrom('A', ':', ' ', '\r\n', '\n', '\r', '\0', 'é') }).map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(bytes, (content) => {
      const lenient = lenientHeader(content)
      for (const { value } of lenient.fields) assert.doesNotMatch(value, /\n/)
      try {
        const strict = parseHeader(content)
        assert.deepEqual(
          strict.fields.map(({ name, value }) => [name, value]),
          lenient.fields.map(({ name, value }) => [name, value]),
        )
        assert.deepEqual(Buffer.concat(strict.fields.map(({ raw }) => raw)), Buffer.from(strict.bytes()))
        assert.equal(strict.size, strict.bytes().length)
      } catch (error) {
        assert.ok(error instanceof HeaderError)
      }
    }),
    { numRuns: 3000 },
  )
})

interface Tree {
  readonly parts: readonly Tree[] | null
}

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ parts: fc.constant(null) }),
    fc.record({ parts: fc.array(tie('tree'), { minLength: 1, maxLength: 4 }) }),
  ),
}))

/** A part with its header; attachments, so that mailparser lists each of them. */
function written({ parts }: Tree, name: string): string {
  if (!parts) return `Content-Type: application/x; name=${name}\r\nContent-Disposition: attachment\r\n\r\n${name}`
  const inner = parts.map((part, index) => `--=${name}=\r\n${written(part, `${name}.${index}`)}\r\n`)
  return `Content-Type: multipart/mixed; boundary="=${name}="\r\n\r\n${inner.join('')}--=${name}=--\r\n`
}

function leaves(part: Structure): Structure[] {
  return part.Parts ? part.Parts.flatMap(leaves) : [part]
}

test('mailparser finds the same parts in a well-formed message', async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (root) => {
      const content = Buffer.from(`MIME-Version: 1.0\r\n${written(root, 'p')}`)
      const { attachments } = await simpleParser(content)
      const ours = leaves(describeBytes(content).structure)
      assert.deepEqual(
        ours.map(({ At }) => content.toString('latin1', At?.[1], At?.[2])),
        attachments.map((attachment) => attachment.content.toString('latin1')),
      )
    }),
    { numRuns: 60 },
  )
})
