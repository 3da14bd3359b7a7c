import type { Envelope, Message, SmtpError, Target } from '../../core/index.ts'
import { formatAddress, parseAddress } from '../../core/kit/address/index.ts'
import { memoryBody } from '../../core/kit/message/body.ts'
import { parseHeader } from '../../core/kit/message/header.ts'

/** What happened to a target. */
export interface Recorded {
  readonly target: string
  readonly event: 'begin' | 'rcpt' | 'message' | 'commit' | 'abort'
  readonly rcpt?: string
  /** With `message`: header and body. */
  readonly content?: Buffer
  /** With `message`. */
  readonly quarantined?: boolean
  /** With `rcpt`: before rewriting. */
  readonly original?: string
  /** With `begin`. */
  readonly envelope?: Envelope
}

/** A target that keeps what it is given, and refuses what it is told to. */
export const recorder = (
  log: Recorded[] = [],
  name = 'target',
  refuse: { readonly rcpt?: (to: string) => SmtpError | undefined; readonly message?: SmtpError } = {},
): { readonly target: Target; readonly log: Recorded[] } => ({
  log,
  target: {
    async begin(envelope) {
      log.push({ target: name, event: 'begin', envelope })
      let committed = false
      return {
        async recipient(to, parameters) {
          const rcpt = formatAddress(to)
          const refusal = refuse.rcpt?.(rcpt)
          if (refusal) throw refusal
          log.push({
            target: name,
            event: 'rcpt',
            rcpt,
            ...(parameters && { original: formatAddress(parameters.original) }),
          })
        },
        async message(message) {
          if (refuse.message) throw refuse.message
          log.push({
            target: name,
            event: 'message',
            content: await contentOf(message),
            quarantined: message.quarantined,
          })
          return new Map()
        },
        async commit() {
          committed = true
          log.push({ target: name, event: 'commit' })
        },
        async [Symbol.asyncDispose]() {
          if (!committed) log.push({ target: name, event: 'abort' })
        },
      }
    },
  },
})

const contentOf = async ({ header, body }: Message): Promise<Buffer> =>
  Buffer.concat([header.bytes(), Buffer.from('\r\n'), ...(await Array.fromAsync(body.read()))])

/** The envelope of a message from that sender; empty for the null sender. */
export const sampleEnvelope = (from: string): Envelope => ({
  id: '0badcafe',
  reversePath: from === '' ? null : parseAddress(from),
  originalReversePath: from,
  smtputf8: false,
  requireTls: false,
  origin: {
    protocol: 'ESMTP',
    helo: 'client.example',
    peer: { ip: '127.0.0.1', port: 1 },
    rdns: null,
    user: null,
    tls: null,
  },
})

export const sampleMessage = (header = 'From: <a@a.example>\r\n', body = 'Hello\r\n'): Message => ({
  header: parseHeader(Buffer.from(header)),
  body: memoryBody(Buffer.from(body)),
  quarantined: false,
})
