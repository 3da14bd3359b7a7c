/** A message as it may arrive, and what is odd about it. */
export interface Sample {
  readonly header: Buffer
  readonly body: Buffer
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
const seeded = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Messages with odd headers and bodies, the same for the same seed. */
export function* sampleMessages(count: number, seed: number): Generator<Sample> {
  const random = seeded(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const pick = <T>(...from: readonly T[]): T => from[below(from.length)] as T
  const repeat = <T>(times: number, make: () => T) => Array.from({ length: times }, make)

  /** Bytes as Latin-1. */
  const word = (): string =>
    pick(
      () => pick('Hello', 'a', '=?utf-8?q?=C3=BC?=', '<x@y.example>', '"quoted  words"', 'a;b', ':', '=', '..'),
      () => Buffer.from(pick('süß', 'Привет', '件名', '🙂')).toString('latin1'),
      () => pick('\xfc', '\xff\xfe', '\x80\x81'),
      () => 'x'.repeat(pick(1, 60, 200, 990)),
    )()
  const blank = () => pick(' ', ' ', '  ', '\t', ' \t ', '     ')
  const fold = () => pick('\r\n ', '\r\n\t', ' \r\n  ', '\t\r\n \t', '\r\n      ')
  const gap = () => (random() < 0.25 ? fold() : blank())
  const value = (): string =>
    pick('', ' ', ' ', '  ', '\t', fold()) +
    repeat(below(7), word).join(gap()) +
    pick('', '', '', ' ', '\t', '  \t', ' \r\n ')
  const cased = (name: string) => pick(name, name, name.toLowerCase(), name.toUpperCase())
  const field = (name: string, content = value()) => `${cased(name)}:${content}\r\n`
  const names = [
    'Subject',
    'To',
    'Cc',
    'Reply-To',
    'List-Id',
    'References',
    'MIME-Version',
    'X-Unknown',
    'Received',
    'Sender',
  ]

  const header = (): string => {
    const fields = [
      field('From', pick(' <a@a.example>', ' Ä <a@a.example>', '\r\n "A  B" <a@a.example>', 'a@a.example ')),
      field('Date', ' Thu, 01 Jan 2026 00:00:00 +0000'),
      ...repeat(below(10), () => field(pick(...names))),
    ]
    return fields
      .map((text) => ({ text, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ text }) => text)
      .join('')
  }

  const line = (): string =>
    pick('', '', ' ', '\t', '.', '. ') + repeat(below(5), word).join(blank()) + pick('', '', '', '', ' ', '\t', ' \t')
  const body = (): string => {
    const lines = repeat(below(12), line).join('\r\n')
    return lines + pick('', ' ', '\r\n', '\r\n', '\r\n\r\n', '\r\n\r\n\r\n\r\n', '\r\n \r\n\r\n', ' \t\r\n\t\r\n')
  }

  for (let made = 0; made < count; made++) {
    const text = pick(
      body,
      body,
      body,
      body,
      () => '',
      () => '\r\n',
      () => ' \r\n',
      () => '\r\n\r\n',
    )()
    yield { header: Buffer.from(header(), 'latin1'), body: Buffer.from(text, 'latin1') }
  }
}
