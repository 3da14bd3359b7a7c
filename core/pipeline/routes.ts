import { ConfigError, type Position } from '../../grammar/node.ts'
import { Problems } from '../config/directive.ts'
import type { SmtpError } from '../kit/smtp/error.ts'
import type { Check } from '../mail/check.ts'
import type { Modifier } from '../mail/modify.ts'
import type { Table } from '../mail/table.ts'
import type { Target } from '../mail/target.ts'
import type { DestinationConfig, Listed, Located, PipelineConfig, Ruled, SourceConfig } from './directives.ts'
import type { Surroundings } from './pipeline.ts'

/** What a key is looked up in, in this order: tables, rules for addresses and domains, what is left. */
export interface Choice<T> {
  readonly tables: readonly { readonly table: Table; readonly choice: T }[]
  readonly rules: ReadonlyMap<string, T>
  readonly otherwise: T
}

/** Who looks at a message, and who rewrites it, on one level. */
export interface Handling {
  readonly checks: readonly Check[]
  readonly modifiers: readonly Modifier[]
}

/** What becomes of a recipient: refused, or given to all targets. Neither means accepted and dropped. */
export interface Destination extends Handling {
  readonly refusal: SmtpError | undefined
  readonly targets: readonly Target[]
}

export interface Source extends Choice<Destination>, Handling {}

export interface Routes extends Choice<Source>, Handling {}

/** Checks how the directives of a pipeline go together. Throws ConfigError with all that is wrong. */
export const routesOf = (config: PipelineConfig, at: Position, around: Surroundings): Routes => {
  const problems = new Problems()
  const routes = new Compiler(around, problems).routes(config, at)
  problems.raise()
  return routes
}

/** A block that has nothing of its own to do, since its level is that of the block around it. */
const implied: Handling = { checks: [], modifiers: [] }

class Compiler {
  readonly #around: Surroundings
  readonly #problems: Problems

  constructor(around: Surroundings, problems: Problems) {
    this.#around = around
    this.#problems = problems
  }

  routes(config: PipelineConfig, at: Position): Routes {
    const given = config.default_source && !emptySource(config.default_source) ? config.default_source : undefined
    const handled = !emptySource(config)
    const bySource = config.source.length > 0 || given !== undefined
    if (!handled && !bySource) {
      this.#wrong(at, 'nothing says where messages go: deliver_to, reroute, reject, destination or source is needed')
    } else if (handled && bySource) {
      const what =
        'deliver_to, reroute, reject and destination belong inside source and default_source, once these are used'
      this.#wrong(firstOf(config) ?? at, what)
    } else if (!handled && !given) {
      this.#wrong(
        config.source[0]?.at ?? at,
        'source is used, so default_source has to say what becomes of other senders',
      )
    }
    const otherwise = given ? this.#source(given, at, handlingOf(given)) : this.#source(config, at, implied, !handled)
    const choice = choiceOf(config.source_in, config.source, otherwise, ({ value, at }) =>
      this.#source(value, at, handlingOf(value)),
    )
    return { ...choice, ...handlingOf(config) }
  }

  /** `silent` when it has been said already that nothing is there. */
  #source(config: SourceConfig, at: Position, handling: Handling, silent = false): Source {
    const { default_destination } = config
    const given = default_destination && !emptyDestination(default_destination) ? default_destination : undefined
    const direct = !emptyDestination(config)
    const byDestination = config.destination.length > 0 || given !== undefined
    if (!direct && !byDestination && !silent) {
      this.#wrong(
        config.destination_in[0]?.at ?? at,
        'nothing says where messages go: deliver_to, reroute, reject or destination is needed',
      )
    } else if (direct && byDestination) {
      const what =
        'deliver_to, reroute and reject belong inside destination and default_destination, once these are used'
      this.#wrong(placeOf(config) ?? at, what)
    } else if (!direct && byDestination && !given) {
      this.#wrong(
        config.destination[0]?.at ?? at,
        'destination is used, so default_destination has to say what becomes of other recipients',
      )
    }
    const otherwise = given ? this.#destination(given, handlingOf(given)) : this.#destination(config, implied)
    const choice = choiceOf(config.destination_in, config.destination, otherwise, ({ value }) =>
      this.#destination(value, handlingOf(value)),
    )
    return { ...choice, ...handling }
  }

  #destination({ deliver_to, reroute, reject }: DestinationConfig, handling: Handling): Destination {
    const rerouted = reroute.flatMap((each) => this.#rerouted(each))
    const refusal = reject.at(-1)
    if (refusal) {
      // A reject before a reroute passes and wins, as maddy has it; anything else is a contradiction.
      const other = deliver_to[0] ?? reroute.find(({ at }) => before(at, refusal.at))
      const what = `a recipient cannot be both refused and delivered, as line ${other?.at.line} has it`
      if (other) this.#wrong(refusal.at, what)
    }
    const targets = refusal ? [] : [...deliver_to, ...rerouted].toSorted(byPlace)
    return { refusal: refusal?.value, targets: targets.map(({ value }) => value), ...handling }
  }

  #rerouted({ value: make, at }: DestinationConfig['reroute'][number]): Located<Target>[] {
    try {
      return [{ value: make(this.#around), at }]
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      this.#problems.add(error)
      return []
    }
  }

  #wrong(at: Position, what: string): void {
    this.#problems.add(new ConfigError(at, what))
  }
}

const handlingOf = ({ check, modify }: DestinationConfig): Handling => ({ checks: check.flat(), modifiers: modify })

const choiceOf = <B, T>(
  tables: readonly Listed<B>[],
  blocks: readonly Ruled<B>[],
  otherwise: T,
  compile: (block: Located<B>) => T,
): Choice<T> => {
  const rules = new Map<string, T>()
  for (const block of blocks) {
    const choice = compile(block)
    for (const rule of block.rules) if (!rules.has(rule)) rules.set(rule, choice)
  }
  return { tables: tables.map((each) => ({ table: each.table, choice: compile(each) })), rules, otherwise }
}

const before = (a: Position, b: Position): boolean => a.line < b.line || (a.line === b.line && a.column < b.column)

const byPlace = ({ at: a }: Located<unknown>, { at: b }: Located<unknown>): number => (before(a, b) ? -1 : 1)

const emptyDestination = ({ deliver_to, reroute, reject }: DestinationConfig): boolean =>
  deliver_to.length + reroute.length + reject.length === 0

const emptySource = (config: SourceConfig): boolean =>
  emptyDestination(config) &&
  config.destination.length + config.destination_in.length === 0 &&
  config.default_destination === undefined

const placeOf = ({ deliver_to, reroute, reject }: DestinationConfig): Position | undefined =>
  [...deliver_to, ...reroute, ...reject].toSorted(byPlace)[0]?.at

const firstOf = (config: SourceConfig): Position | undefined =>
  placeOf(config) ?? config.destination[0]?.at ?? config.destination_in[0]?.at
