import { parseAddress } from '../../../core/kit/address/index.ts'
import { memoryBody } from '../../../core/kit/message/body.ts'
import { lenientHeader } from '../../../core/kit/message/header.ts'
import type { Message } from '../../../core/kit/message/message.ts'
import { type ClientOptions, type ServerAddress, SmtpClient } from '../../../core/kit/smtp/client/index.ts'
import { SmtpError } from '../../../core/kit/smtp/error.ts'
import type { ScriptedServer } from './scripted.ts'

export const patient = { connect: 5_000, command: 5_000, submission: 5_000 }

/** Milliseconds after which a silent server is given up, where that is what a test is about. */
export const brief = { connect: 5_000, command: 60, submission: 60 }

/** A client of a server on this machine. */
export const connected = (
  server: Pick<ScriptedServer, 'port'> | { readonly path: string },
  options: Partial<ClientOptions> = {},
): Promise<SmtpClient> => {
  const to: ServerAddress = 'path' in server ? { path: server.path } : { host: '127.0.0.1', port: server.port }
  return SmtpClient.open(to, { hostname: 'client.example', timeouts: patient, ...options })
}

export const ann = parseAddress('ann@a.example')
export const bob = parseAddress('bob@b.example')
export const cid = parseAddress('cid@b.example')

export const messageOf = (body: string | Uint8Array = 'Hello\r\n', header = 'Subject: x\r\n'): Message => ({
  header: lenientHeader(Buffer.from(header)),
  body: memoryBody(typeof body === 'string' ? Buffer.from(body, 'latin1') : body),
  quarantined: false,
})

/** What something rejects with; fails when it does not. */
export const failureOf = async (work: Promise<unknown>): Promise<Error> => {
  try {
    await work
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('it did not fail')
}

/** `550 5.1.1 No`, as a client of ours would hear of it. */
export const told = (error: unknown): string => {
  const { code, enhanced, message } = SmtpError.from(error)
  return `${code} ${enhanced} ${message}`
}
