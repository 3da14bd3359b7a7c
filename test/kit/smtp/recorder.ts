import { createServer, type Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { SaslChannel, SaslMechanism, SaslServer } from '../../../core/kit/sasl/index.ts'
import { saslServer } from '../../../core/kit/sasl/index.ts'
import type { TlsState } from '../../../core/kit/smtp/envelope.ts'
import { SmtpError } from '../../../core/kit/smtp/error.ts'
import type { Content } from '../../../core/kit/smtp/server/index.ts'
import {
  type ConversationOptions,
  type MailParameters,
  type Path,
  type Receiver,
  type ServerOptions,
  SmtpServer,
} from '../../../core/kit/smtp/server/index.ts'
import { certificate } from '../../support/certificates.ts'
import { people } from '../../support/sasl.ts'
import { dial, type WireClient } from '../../support/wire.ts'

export interface Received {
  readonly from: string | null
  readonly to: readonly string[]
  readonly content: string
}

/** Takes everything, and remembers it. A local part such as `550` is refused with that code. */
export class Recorder implements Receiver {
  readonly messages: Received[] = []
  readonly events: string[] = []
  parameters: MailParameters | undefined
  #from: string | null = null
  #to: string[] = []

  greet(name: string, tls: TlsState | null): void {
    this.events.push(`greet ${name}${tls ? ' tls' : ''}`)
    if (name === 'crash') throw new Error('crash')
    if (name === 'banned') throw SmtpError.permanent(554, '5.7.1', 'Go away, Zoë')
  }

  secured(): void {
    this.events.push('secured')
  }

  authenticate(mechanism: SaslMechanism, channel: SaslChannel | null): SaslServer {
    return saslServer(mechanism, people(['ann', 'secret']), channel)
  }

  authenticated(username: string): void {
    this.events.push(`authenticated ${username}`)
  }

  mail(path: Path | null, parameters: MailParameters): void {
    this.#from = path && `${path.local}@${path.domain}`
    this.#to = []
    this.parameters = parameters
    refuseIfAsked(path)
  }

  async recipient(path: Path): Promise<void> {
    refuseIfAsked(path)
    this.#to.push(`${path.local}@${path.domain}`)
  }

  async data(content: Content): Promise<readonly (SmtpError | undefined)[]> {
    const chunks: Uint8Array[] = []
    for await (const chunk of content) chunks.push(chunk)
    this.messages.push({ from: this.#from, to: this.#to, content: Buffer.concat(chunks).toString('latin1') })
    return this.#to.map((to) => (to.startsWith('late') ? SmtpError.permanent(550, '5.2.0', 'Too late') : undefined))
  }

  reset(): void {
    this.events.push('reset')
  }

  close(): void {
    this.events.push('close')
  }
}

const refuseIfAsked = (path: Path | null): void => {
  const [code, category] = /^([45])\d\d$/.exec(path?.local ?? '') ?? []
  if (code !== undefined) throw SmtpError.given(Number(code), `${category}.7.1`, 'No')
}

export interface TestServer extends AsyncDisposable {
  readonly recorder: Recorder
  readonly port: number
  /** Conversations that have ended. */
  readonly ended: Promise<void>[]
  readonly failures: unknown[]
  dial(): Promise<WireClient>
  /** Connects, reads the banner and says EHLO. */
  greeted(): Promise<WireClient>
  /** As `greeted`, with a sender and a recipient given. */
  ready(): Promise<WireClient>
}

/** Serves one recorder on a port of its own. */
export const serve = async (
  options: Partial<ServerOptions> = {},
  conversation: ConversationOptions & { readonly receiver?: Recorder } = {},
): Promise<TestServer> => {
  const recorder = conversation.receiver ?? new Recorder()
  const failures: unknown[] = []
  const ended: Promise<void>[] = []
  const sockets = new Set<Socket>()
  const smtp = new SmtpServer({
    hostname: 'mx.h.example',
    protocol: 'smtp',
    maxMessageSize: 32 * 1024 ** 2,
    maxRecipients: 20_000,
    maxLineLength: 4000,
    readTimeout: 600_000,
    writeTimeout: 60_000,
    bareNewlines: 'refuse',
    ...options,
  })
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    const failed = (error: unknown) => failures.push(error)
    ended.push(smtp.converse(socket, () => recorder, { failed, crashed: failed, ...conversation }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const greeted = async () => {
    const client = await dial(port)
    await client.expect('220 *')
    await client.command(`${options.protocol === 'lmtp' ? 'LHLO' : 'EHLO'} client.example`, '250 *')
    return client
  }
  return {
    recorder,
    port,
    ended,
    failures,
    dial: () => dial(port),
    greeted,
    async ready() {
      const client = await greeted()
      await client.command('MAIL FROM:<a@h.example>', '250 2.0.0 *')
      await client.command('RCPT TO:<b@h.example>', '250 2.0.0 *')
      return client
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await Promise.all(ended)
    },
  }
}

/** For a server that offers STARTTLS, and PLAIN behind it. */
export const tlsOptions = async () => {
  const secureContext = createSecureContext(await certificate())
  const SNICallback = (_: string, done: (error: null, context: typeof secureContext) => void) =>
    done(null, secureContext)
  return { tls: () => ({ secureContext, SNICallback }), mechanisms: ['PLAIN'] as const }
}
