import { createInterface } from 'node:readline'
import type { ReadStream } from 'node:tty'
import { CommandError } from './errors.ts'

/** No password is longer; bytes. */
const longest = 512

/** The password of the option, or else asked for. Throws CommandError when there is none. */
export const askPassword = async (prompt: string, given?: string): Promise<string> => {
  if (given !== undefined) return given
  const { stdin, stderr } = process
  if (stdin.isTTY) {
    stderr.write(`${prompt}: `)
    return await readHidden(stdin)
  }
  stderr.write(`${prompt} (not a terminal, so what is typed is not hidden): `)
  const line = await readLine()
  if (line === undefined) throw new CommandError('there is no password: the input has ended')
  return line
}

/** Asks before something is lost. Throws CommandError unless the answer is yes. */
export const confirm = async (question: string, yes: boolean): Promise<void> => {
  if (yes) return
  process.stderr.write(`${question} [y/N]: `)
  const line = await readLine()
  if (!/^y$/i.test(line?.trim() ?? '')) throw new CommandError('cancelled')
}

/** The next line of the input; undefined when it has ended. */
const readLine = async (): Promise<string | undefined> => {
  const lines = createInterface({ input: process.stdin })
  try {
    for await (const line of lines) return line
    return undefined
  } finally {
    lines.close()
    process.stdin.destroy()
  }
}

/** Reads a line without showing it. DEL takes a character back; Esc, Ctrl-C and Ctrl-D give up. */
const readHidden = (terminal: ReadStream): Promise<string> => {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let text = ''
  const typed = (characters: string) => {
    for (const character of characters) {
      if (character === '\r' || character === '\n') return resolve(text)
      if ('\u001b\u0003\u0004'.includes(character)) return reject(new CommandError('cancelled'))
      if (character === '\u007f' || character === '\b') text = Array.from(text).slice(0, -1).join('')
      else text += character
      if (Buffer.byteLength(text) > longest)
        return reject(new CommandError(`the password is longer than ${longest} bytes`))
    }
  }
  terminal.setEncoding('utf8').setRawMode(true)
  terminal.on('data', typed)
  terminal.once('end', () => reject(new CommandError('cancelled')))
  return promise.finally(() => {
    terminal.off('data', typed).setRawMode(false)
    terminal.pause()
    process.stderr.write('\n')
  })
}
