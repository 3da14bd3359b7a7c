import type { Options, OptionValue } from './options.ts'

/** What was written on the command line. */
export interface Call {
  /** The words after the command, options aside. */
  readonly args: readonly string[]
  readonly options: OptionReader
  readonly env: NodeJS.ProcessEnv
}

export interface Command {
  /** The words it takes: `USERNAME MAILBOX [SEQ]`; in brackets what may be left out, `…` after what may be repeated. */
  readonly args?: string
  readonly doc: string
  readonly options?: Options
  /** Resolves to the exit status, 0 by default. Throws UsageError, CommandError, ConfigError, or what went wrong. */
  run(call: Call): Promise<number | undefined>
}

/** Commands that share a first word. */
export interface Group {
  readonly doc: string
  readonly commands: Readonly<Record<string, Command>>
}

/** Those of the options that were given, by name. */
export class OptionReader {
  readonly #values: Readonly<Record<string, OptionValue>>

  constructor(values: Readonly<Record<string, OptionValue>>) {
    this.#values = values
  }

  /** The same, with others in addition or instead. */
  with(values: Readonly<Record<string, OptionValue>>): OptionReader {
    return new OptionReader({ ...this.#values, ...values })
  }

  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  flag(name: string): boolean {
    return this.#values[name] === true
  }

  list(name: string): readonly string[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value : []
  }
}

/** Options that stand before the command, or among its own. */
export const globalOptions: Options = {
  config: { type: 'string', usage: 'FILE', doc: 'The configuration file (MADDY_CONFIG).' },
  debug: { type: 'boolean', doc: 'Log debug lines, unless the configuration says otherwise.' },
  log: {
    type: 'string',
    multiple: true,
    usage: 'TARGET,…',
    doc: 'Where to log: stderr, stderr_ts, syslog, off, or a file.',
  },
  'debug.smtpport': { type: 'string', usage: 'PORT', doc: 'The port of other servers, in place of 25.', hidden: true },
  'debug.dnsoverride': { type: 'string', usage: 'IP:PORT', doc: 'The DNS server to ask.', hidden: true },
  help: { type: 'boolean', short: 'h', doc: 'Show help.' },
}
