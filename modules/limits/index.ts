import type { Word } from '../../core/index.ts'
import { ConfigError, custom, defineModule, Limits, parseDuration } from '../../core/index.ts'
import { type Clock, realClock } from './clock.ts'
import { Concurrency, type Limit, Rate } from './limit.ts'
import { Scope } from './scope.ts'

/** How long a message waits for its turn; milliseconds. */
const patience = 5_000

type MakeLimit = (clock: Clock) => Limit

/** `rate BURST [PERIOD]` or `concurrency MAX`; undefined for a limit of 0, which is none. */
const limit = (words: readonly Word[], name: Word): MakeLimit | undefined => {
  const [kind, ...args] = words
  const [count, period, extra] = args
  if (!kind) throw new ConfigError(name.at, `${name.text} needs rate or concurrency`)
  if (kind.text !== 'rate' && kind.text !== 'concurrency') {
    throw new ConfigError(kind.at, `expected rate or concurrency, not ${kind.text}`)
  }
  if (!count) throw new ConfigError(kind.at, `${kind.text} needs a number`)
  if (extra) throw new ConfigError(extra.at, `${kind.text} takes only a number and a period`)
  const max = natural(count)
  if (kind.text === 'concurrency') {
    if (period) throw new ConfigError(period.at, 'concurrency takes only a number')
    return max === 0 ? undefined : (clock) => new Concurrency(max, clock)
  }
  const milliseconds = period ? parseDuration(period.text) : 1_000
  if (milliseconds === 0) throw new ConfigError(period?.at, 'the period of a rate cannot be 0')
  return max === 0 ? undefined : (clock) => new Rate(max, milliseconds, clock)
}

const natural = ({ text, at }: Word): number => {
  const number = /^\+?\d+$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(number)) throw new ConfigError(at, `expected a number of at least 0, not ${text}`)
  return number
}

const scope = () =>
  custom(
    { args: 'custom: rate BURST [PERIOD] | concurrency MAX', usage: 'rate BURST [PERIOD]|concurrency MAX' },
    (words, node) => ({
      make: limit(words, node.name),
    }),
  ).many()

type Lines = readonly { readonly make: MakeLimit | undefined }[]

interface Config {
  readonly all: Lines
  readonly ip: Lines
  readonly source: Lines
  readonly destination: Lines
}

/** The limits that a block describes, on that clock. */
export const limitsOf = ({ all, ip, source, destination }: Config, clock: Clock = realClock): Limits => {
  const scopeOf = (lines: Lines) =>
    new Scope(
      lines.flatMap(({ make }) => (make ? [() => make(clock)] : [])),
      clock,
    )
  const scopes = { all: scopeOf(all), ip: scopeOf(ip), source: scopeOf(source), destination: scopeOf(destination) }
  return {
    async message(address, domain) {
      const deadline = clock.now() + patience
      using taken = new DisposableStack()
      taken.use(await scopes.all.take('', deadline))
      taken.use(await scopes.ip.take(address, deadline))
      taken.use(await scopes.source.take(domain, deadline))
      return taken.move()
    },
    destination: (domain) => scopes.destination.take(domain, clock.now() + patience),
  }
}

export default defineModule({
  name: 'limits',
  doc: 'Bounds on how much mail is handled at once, and in a time. Endpoints that refer to one block share its counters.',
  provides: [Limits],
  config: {
    all: scope().doc('For everything together.'),
    ip: scope().doc('For each address of a client.'),
    source: scope().doc('For each domain of a sender; the null sender has one of its own.'),
    destination: scope().doc('For each domain of a recipient. Only delivery to other servers counts it.'),
  },
  create: (config) => limitsOf(config),
})
