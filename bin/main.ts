import { didYouMean } from '../core/config/nearest.ts'
import { ConfigError } from '../grammar/node.ts'
import { type Command, type Group, globalOptions, OptionReader } from './command.ts'
import { aliases, commands, isGroup } from './commands.ts'
import { CommandError, UsageError } from './errors.ts'
import { commandHelp, groupHelp, overview } from './help.ts'
import { type OptionValue, parseOptions } from './options.ts'

type Given = Readonly<Record<string, OptionValue>>

/** There is no command of that name: a status of its own, as in maddy. */
class UnknownCommand extends Error {
  constructor(name: string, known: readonly string[]) {
    super(`there is no command ${name}${didYouMean(name, known)}`)
  }
}

const main = async (words: readonly string[]): Promise<number> => {
  if (words.at(-1) === '--generate-bash-completion') return await complete(words.slice(0, -1))
  const { values, rest } = parseOptions(words, globalOptions)
  const [name, ...args] = rest
  if (name === undefined) return show(overview())
  if (name === 'help' || name === 'h') return await help(args)
  const entry = await load(name)
  return isGroup(entry) ? await runGroup(name, entry, args, values) : await run(name, entry, args, values)
}

const load = async (name: string): Promise<Command | Group> => {
  const meant = Object.hasOwn(aliases, name) ? (aliases[name] ?? name) : name
  const command = Object.hasOwn(commands, meant) ? commands[meant] : undefined
  if (command === undefined) throw new UnknownCommand(name, [...Object.keys(commands), ...Object.keys(aliases)])
  return await command.load()
}

const runGroup = async (name: string, group: Group, words: readonly string[], above: Given): Promise<number> => {
  const { values, rest } = parseOptions(words, globalOptions)
  const [sub, ...args] = rest
  if (sub === 'help' || sub === 'h')
    return args[0] === undefined ? show(groupHelp(name, group)) : await help([name, ...args])
  if (sub === undefined || values.help === true) return show(groupHelp(name, group))
  return await run(`${name} ${sub}`, member(name, group, sub), args, { ...above, ...values })
}

const member = (name: string, { commands }: Group, sub: string): Command => {
  const command = Object.hasOwn(commands, sub) ? commands[sub] : undefined
  if (command === undefined)
    throw new UnknownCommand(
      `${name} ${sub}`,
      Object.keys(commands).map((each) => `${name} ${each}`),
    )
  return command
}

const run = async (name: string, command: Command, words: readonly string[], above: Given): Promise<number> => {
  const { values, rest } = parseOptions(words, { ...globalOptions, ...command.options })
  const options = { ...above, ...values }
  if (options.help === true) return show(commandHelp(name, command))
  checkArguments(name, command, rest)
  return (await command.run({ args: rest, options: new OptionReader(options), env: process.env })) ?? 0
}

/** Compares the words given with those that `args` of the command shows. */
const checkArguments = (name: string, { args = '' }: Command, given: readonly string[]): void => {
  const wanted = args.split(' ').filter((word) => word !== '')
  const missing = wanted.filter((word) => !word.startsWith('['))[given.length]
  if (missing !== undefined) throw new UsageError(`${missing.replace('…', '')} is missing: tsmaddy ${name} ${args}`)
  const extra = given[wanted.length]
  if (extra === undefined || wanted.some((word) => word.includes('…'))) return
  const hint = extra.startsWith('-') ? '; options come first' : ''
  throw new UsageError(`${extra} is too much${hint}: tsmaddy ${name} ${args}`.trimEnd())
}

const help = async ([name, sub]: readonly string[]): Promise<number> => {
  if (name === undefined) return show(overview())
  const entry = await load(name)
  if (!isGroup(entry)) return show(commandHelp(name, entry))
  return show(sub === undefined ? groupHelp(name, entry) : commandHelp(`${name} ${sub}`, member(name, entry, sub)))
}

/** The words that may come next, for the completion script that maddy ships. */
const complete = async (words: readonly string[]): Promise<number> => {
  const [name] = parseOptions(words, globalOptions).rest
  if (name === undefined) return show(`${[...Object.keys(commands), ...Object.keys(aliases), 'help'].join('\n')}\n`)
  const entry = await load(name)
  return show(`${Object.keys(isGroup(entry) ? entry.commands : (entry.options ?? {})).join('\n')}\n`)
}

const show = (text: string): number => {
  process.stdout.write(text)
  return 0
}

/** What is said of a failure, and what the process ends with: 2 when something has to be written differently. */
const failure = (error: unknown): readonly [string, number] => {
  if (error instanceof UnknownCommand) return [error.message, 3]
  if (error instanceof UsageError || error instanceof ConfigError) return [error.message, 2]
  if (error instanceof CommandError) return [error.message, 1]
  if (!(error instanceof Error)) return [String(error), 1]
  const mistake = error instanceof TypeError || error instanceof ReferenceError
  return [mistake ? (error.stack ?? error.message) : error.message, 1]
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const [text, status] = failure(error)
  process.stderr.write(`Error: ${text}\n`)
  process.exitCode = status
}
