import { ConfigError, type Position } from '../../grammar/node.ts'
import { Problems } from '../config/directive.ts'
import type { SmtpError } from '../kit/smtp/error.ts'
import type { Table } from '../mail/table.ts'
import type { Target } from '../mail/target.ts'
import type { DestinationConfig, Listed, Located, PipelineConfig, Ruled, SourceConfig } from './directives.ts'

/** What a key is looked up in, in this order: tables, rules for addresses and domains, what is left. */
export interface Choice<T> {
  readonly tables: readonly { readonly table: Table; readonly choice: T }[]
  readonly rules: ReadonlyMap<string, T>
  readonly otherwise: T
}

/** What becomes of a recipient: refused, or given to all targets. Neither means accepted and dropped. */
export interface Destination {
  readonly refusal: SmtpError | undefined
  readonly targets: readonly Target[]
}

export type Source = Choice<Destination>

/** Checks how the directives of a pipeline go together. Throws ConfigError with all that is wrong. */
export const routesOf = (config: PipelineConfig, at: Position): Choice<Source> => {
  const problems = new Problems()
  const routes = collect(config, at, problems)
  problems.raise()
  return routes
}

const collect = (config: PipelineConfig, at: Position, problems: Problems): Choice<Source> => {
  const given = config.default_source && !emptySource(config.default_source) ? config.default_source : undefined
  const handled = handlesHere(config)
  const bySource = config.source.length > 0 || given !== undefined
  if (!handled && !bySource) {
    problems.add(
      new ConfigError(
        at,
        'nothing says where messages go: deliver_to, reroute, reject, destination or source is needed',
      ),
    )
  } else if (handled && bySource) {
    const what =
      'deliver_to, reroute, reject and destination belong inside source and default_source, once these are used'
    problems.add(new ConfigError(firstOf(config) ?? at, what))
  } else if (!handled && !given) {
    problems.add(new ConfigError(at, 'source is used, so default_source has to say what becomes of other senders'))
  }
  const otherwise = sourceOf(given ?? config, at, problems, !given && !handled)
  return choiceOf(config.source_in, config.source, otherwise, (each) => sourceOf(each.value, each.at, problems))
}

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

/** `silent` when it has been said already that nothing is there. */
const sourceOf = (config: SourceConfig, at: Position, problems: Problems, silent = false): Source => {
  const given =
    config.default_destination && !emptyDestination(config.default_destination) ? config.default_destination : undefined
  const direct = !emptyDestination(config)
  const byDestination = config.destination.length > 0 || given !== undefined
  if (!direct && !byDestination && !silent) {
    problems.add(
      new ConfigError(at, 'nothing says where messages go: deliver_to, reroute, reject or destination is needed'),
    )
  } else if (direct && byDestination) {
    const what = 'deliver_to, reroute and reject belong inside destination and default_destination, once these are used'
    problems.add(new ConfigError(placeOf(config) ?? at, what))
  } else if (!direct && byDestination && !given) {
    problems.add(
      new ConfigError(at, 'destination is used, so default_destination has to say what becomes of other recipients'),
    )
  }
  const otherwise = destinationOf(given ?? config, problems)
  return choiceOf(config.destination_in, config.destination, otherwise, (each) => destinationOf(each.value, problems))
}

const destinationOf = ({ deliver_to, reroute, reject }: DestinationConfig, problems: Problems): Destination => {
  const refusal = reject.at(-1)
  if (refusal) {
    const [delivered] = deliver_to
    // A reject before a reroute passes and wins, as maddy has it; anything else is a contradiction.
    const rerouted = reroute.find(({ at }) => before(at, refusal.at))
    const other = delivered ?? rerouted
    if (other)
      problems.add(
        new ConfigError(
          refusal.at,
          `a recipient cannot be both refused and delivered, as line ${other.at.line} has it`,
        ),
      )
  }
  const targets = refusal ? [] : [...deliver_to, ...reroute].toSorted((a, b) => (before(a.at, b.at) ? -1 : 1))
  return { refusal: refusal?.value, targets: targets.map(({ value }) => value) }
}

const before = (a: Position, b: Position): boolean => a.line < b.line || (a.line === b.line && a.column < b.column)

const emptyDestination = ({ deliver_to, reroute, reject }: DestinationConfig): boolean =>
  deliver_to.length + reroute.length + reject.length === 0

const emptySource = (config: SourceConfig): boolean =>
  emptyDestination(config) &&
  config.destination.length + config.destination_in.length === 0 &&
  config.default_destination === undefined

const handlesHere = (config: SourceConfig): boolean => !emptySource(config)

const placeOf = ({ deliver_to, reroute, reject }: DestinationConfig): Position | undefined =>
  [...deliver_to, ...reroute, ...reject].map(({ at }) => at).toSorted((a, b) => (before(a, b) ? -1 : 1))[0]

const firstOf = (config: SourceConfig): Position | undefined =>
  placeOf(config) ?? config.destination[0]?.at ?? config.destination_in[0]?.at
