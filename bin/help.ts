import type { Command, Group } from './command.ts'
import { globalOptions } from './command.ts'
import { commands } from './commands.ts'
import type { Options } from './options.ts'

/** What `tsmaddy help` prints. */
export const overview = (): string => {
  const docs = Object.entries(commands).map(([name, { doc }]) => [name, doc] as const)
  return [
    'tsmaddy [OPTION…] COMMAND [OPTION…] [ARGUMENT…]',
    'A composable all-in-one mail server: SMTP, submission, LMTP and IMAP from one maddy.conf.',
    section('Commands', docs),
    section('Options', describe(globalOptions)),
    'tsmaddy help COMMAND tells more of a command.\n',
  ].join('\n\n')
}

export const commandHelp = (name: string, { args, doc, options = {} }: Command): string => {
  const usage = `tsmaddy ${name}${Object.keys(options).length > 0 ? ' [OPTION…]' : ''}${args ? ` ${args}` : ''}`
  const own = describe(options)
  return `${[usage, doc, ...(own.length > 0 ? [section('Options', own)] : [])].join('\n\n')}\n`
}

export const groupHelp = (name: string, { doc, commands }: Group): string => {
  const docs = Object.entries(commands).map(
    ([command, each]) => [`${command} ${each.args ?? ''}`.trim(), each.doc] as const,
  )
  const usage = `tsmaddy ${name} COMMAND [OPTION…] [ARGUMENT…]`
  return `${[usage, doc, section('Commands', docs)].join('\n\n')}\n`
}

const describe = (options: Options): (readonly [string, string])[] =>
  Object.entries(options)
    .filter(([, { hidden }]) => !hidden)
    .map(([name, { short, usage, doc }]) => [`${short ? `-${short}, ` : ''}--${name}${usage ? ` ${usage}` : ''}`, doc])

const section = (title: string, rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  return [`${title}:`, ...rows.map(([name, doc]) => `  ${name.padEnd(width)}${doc}`)].join('\n')
}
