import type { Dialogue } from './dialogue.ts'
import { SmtpClientError } from './error.ts'

/** Who logs in, and how. EXTERNAL leaves it to the certificate shown in the handshake, or to the socket. */
export type Credentials =
  | { readonly mechanism: 'PLAIN' | 'LOGIN'; readonly username: string; readonly password: string }
  | { readonly mechanism: 'EXTERNAL' }

/** Logs in (RFC 4954). Throws SmtpError in the server's words when it does not let us in. */
export const authenticate = async (dialogue: Dialogue, credentials: Credentials): Promise<void> => {
  const [initial, ...more] = responses(credentials)
  const answers = [...more]
  const name = `AUTH ${credentials.mechanism}`
  // `=` is an initial response that is there, and empty.
  let reply = await dialogue.command(`${name} ${encode(initial) || '='}`, `${name} ***`)
  while (reply.code === 334) {
    const answer = answerTo(decode(reply.lines[0] ?? ''), credentials, answers)
    if (answer === undefined) {
      await dialogue.command('*')
      throw new SmtpClientError('protocol', `the server asks for what ${name} does not have`, dialogue.options.fields)
    }
    reply = await dialogue.command(encode(answer), '***')
  }
  dialogue.check(reply, 2)
}

/** What is said in turn, as far as the server asks for it. */
const responses = (credentials: Credentials): readonly [string, ...string[]] => {
  if (credentials.mechanism === 'EXTERNAL') return ['']
  const { mechanism, username, password } = credentials
  if ((username + password).includes('\0')) throw new RangeError('credentials cannot hold a NUL')
  return mechanism === 'PLAIN' ? [`\0${username}\0${password}`] : [username, username, password]
}

/**
 * LOGIN was never standardised: some servers take no name with the command, and ask for it. The password comes last; what is
 * asked after it, or by another mechanism, has no answer.
 */
const answerTo = (challenge: string, credentials: Credentials, answers: string[]): string | undefined => {
  if (credentials.mechanism !== 'LOGIN') return undefined
  if (/^user ?name:?\0?$/i.test(challenge) && answers.length > 1) return answers.shift()
  return /^password:?\0?$/i.test(challenge) ? answers.splice(0).at(-1) : undefined
}

const encode = (text: string): string => Buffer.from(text).toString('base64')

const decode = (text: string): string => Buffer.from(text, 'base64').toString()
