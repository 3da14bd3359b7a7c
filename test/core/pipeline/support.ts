import assert from 'node:assert/strict'
import type { Check, Checks, Inspection, Modifier, Resolver, Table, Target, Verdict } from '../../../core/index.ts'
import { Counters, Pipeline, pipelineDirectives, readBlock } from '../../../core/index.ts'
import { formatAddress, parseAddress } from '../../../core/kit/address/index.ts'
import { zone } from '../../../core/kit/dns/memory.ts'
import { type Line, lineLogger } from '../../support/logger.ts'
import { nodes } from '../../support/nodes.ts'
import { bareScope } from '../../support/scope.ts'
import { type Recorded, recorder } from '../../support/target.ts'

export interface World {
  readonly targets?: Readonly<Record<string, Target>>
  readonly tables?: Readonly<Record<string, Table>>
  readonly checks?: Readonly<Record<string, readonly Check[]>>
  readonly modifiers?: Readonly<Record<string, Modifier>>
  readonly dns?: Resolver
  readonly lines?: Line[]
  /** It is an endpoint's, and adds its trace. */
  readonly entry?: { readonly hideClient: boolean }
}

/** A pipeline from its directives, whose `&names` are those of the world. */
export const pipeline = async (conf: string, world: World = {}): Promise<Pipeline> => {
  const { targets = {}, tables = {}, checks = {}, modifiers = {}, dns = zone({}), lines = [], entry } = world
  const [node] = await nodes(`smtp {\n${conf}\n}`)
  assert.ok(node)
  const groups = Object.fromEntries(
    Object.entries(checks).map(([name, group]): [string, Checks] => [name, { checks: group }]),
  )
  const known: Record<string, unknown> = { dummy: recorder().target, ...targets, ...tables, ...groups, ...modifiers }
  const scope = {
    ...bareScope(),
    instance: async <T>(_role: unknown, { args: [word] }: { args: readonly { text: string }[] }) =>
      known[(word?.text ?? '').replace('&', '')] as T,
  }
  return new Pipeline(await readBlock(pipelineDirectives, node, scope as never), {
    hostname: 'mx.example.org',
    log: lineLogger(lines),
    dns,
    counters: new Counters(),
    at: node.name.at,
    ...(entry && { entry }),
  })
}

export const table = (...keys: string[]): Table => ({ lookup: async (key) => (keys.includes(key) ? [''] : []) })

/** What a check finds at each stage; of a recipient, by its address. */
export interface Findings {
  readonly connection?: Verdict
  readonly sender?: Verdict
  readonly recipient?: (to: string) => Verdict | undefined
  readonly message?: Verdict
}

/** A check that writes down what it is shown, and finds what it is told to. */
export const watcher = (name: string, seen: string[], findings: Findings = {}, timeout = 0): Check => ({
  name,
  timeout,
  begin: (): Inspection => ({
    async connection() {
      seen.push(`${name} connection`)
      return findings.connection
    },
    async sender(from) {
      seen.push(`${name} sender ${from ? formatAddress(from) : '<>'}`)
      return findings.sender
    },
    async recipient(to) {
      seen.push(`${name} rcpt ${formatAddress(to)}`)
      return findings.recipient?.(formatAddress(to))
    },
    async message() {
      seen.push(`${name} message`)
      return findings.message
    },
    async [Symbol.asyncDispose]() {
      seen.push(`${name} closed`)
    },
  }),
})

/** A modifier that replaces addresses by those of a list. */
export const replacing = (
  senders: Record<string, string>,
  recipients: Record<string, readonly string[]>,
): Modifier => ({
  begin: () => ({
    sender: async (from) => parseOr(from && senders[formatAddress(from)], from),
    recipient: async (to) => recipients[formatAddress(to)]?.map(parseAddress) ?? [to],
  }),
})

const parseOr = <T>(text: string | null | undefined, otherwise: T) => (text ? parseAddress(text) : otherwise)

/** `target event rcpt` of what targets were told. */
export const told = (log: readonly Recorded[]): string[] =>
  log.map(({ target, event, rcpt }) => [target, event, ...(rcpt ? [rcpt] : [])].join(' '))
