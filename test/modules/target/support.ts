import { ConfigError } from '../../../core/index.ts'
import { serve, type TestServer } from '../../support/server.ts'
import { dial, type WireClient } from '../../support/wire.ts'

/** A whole server that hands all mail to another one. */
export interface RelayServer extends AsyncDisposable {
  readonly server: TestServer
  /** A client that has introduced itself. */
  greeted(): Promise<WireClient>
  /** Sends a message; the reply to each RCPT and, where one was taken, those to the content. */
  send(to?: readonly string[], more?: SendOptions): Promise<string[]>
}

export interface SendOptions {
  readonly content?: string
  /** The path of MAIL, and its parameters. */
  readonly from?: string
  /** As many replies come after the content. */
  readonly replies?: number
}

export interface RelayOptions {
  readonly endpoint?: 'smtp' | 'lmtp'
  readonly files?: Readonly<Record<string, string>>
  /** Top-level directives. */
  readonly top?: string
}

/** `target` is what stands after deliver_to. */
export const relaying = async (
  target: string,
  { endpoint = 'smtp', files = {}, top = '' }: RelayOptions = {},
): Promise<RelayServer> => {
  const server = await serve(
    `hostname mx.test
    tls off
    ${top}
    ${endpoint} tcp://127.0.0.1:0 {
      deliver_to ${target}
    }`,
    { files },
  )
  const greeted = async () => {
    const client = await dial(server.port(endpoint))
    await client.expect('220 *')
    await client.command(`${endpoint === 'lmtp' ? 'LHLO' : 'EHLO'} client.example`, '250 *')
    return client
  }
  return {
    server,
    greeted,
    async send(to = ['b@to.example'], options = {}) {
      const { content = 'Subject: x\r\n\r\nhello\r\n', from = '<a@from.example>' } = options
      await using client = await greeted()
      await client.command(`MAIL FROM:${from}`, '250 *')
      const replies: string[] = []
      for (const each of to) replies.push(await client.command(`RCPT TO:<${each}>`, '*'))
      const accepted = replies.filter((reply) => reply.startsWith('250')).length
      if (accepted === 0) return replies.map(withoutId)
      await client.command('DATA', '354 *')
      client.send(`${content}.\r\n`)
      for (let left = endpoint === 'lmtp' ? accepted : 1; left > 0; left--) replies.push(await client.expect('*'))
      return replies.map(withoutId)
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const withoutId = (reply: string): string => reply.replace(/ \(msg ID = [0-9a-f]{8}\)$/, '')

/** What is wrong with a configuration. */
export const mistakes = async (conf: string): Promise<string> => {
  try {
    await using _ = await serve(conf)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return ''
}

/** The fields of the lines of a log that tell of that event. */
export const events = (log: string, event: string): Record<string, unknown>[] =>
  log.split('\n').flatMap((line) => {
    const [, json] = line.match(new RegExp(`: ${event}\\t(\\{.*\\})$`)) ?? []
    return json === undefined ? [] : [JSON.parse(json)]
  })
