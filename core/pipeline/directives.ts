import { ConfigError, type Node, type Position } from '../../grammar/node.ts'
import { block, readBlock } from '../config/block.ts'
import type { Directives, Scope, Values } from '../config/directive.ts'
import { Directive } from '../config/directive.ts'
import { use, useGroup } from '../config/reference.ts'
import { everyWord, quoted, withoutBlock } from '../config/values.ts'
import type { Check } from '../mail/check.ts'
import { Checks } from '../mail/check.ts'
import { Modifier } from '../mail/modify.ts'
import { reject } from '../mail/reply.ts'
import { Table } from '../mail/table.ts'
import { Target } from '../mail/target.ts'
import type { Surroundings } from './pipeline.ts'
import { Pipeline } from './pipeline.ts'
import { parseRule } from './rule.ts'

/** A value and where it was written. */
export interface Located<T> {
  readonly value: T
  readonly at: Position
}

const located = <T>(value: T, at: Position): Located<T> => ({ value, at })

/** A block for those who match one of its rules. */
export interface Ruled<B> extends Located<B> {
  readonly rules: readonly string[]
}

/** A block for those whom a table knows. */
export interface Listed<B> extends Located<B> {
  readonly table: Table
}

const ruled = <D extends Directives>(name: string, directives: D) =>
  new Directive<Ruled<Values<D>> | undefined>(
    { args: `custom: RULE… + block:${name}`, usage: 'ADDRESS|DOMAIN… { … }', children: directives },
    async (node, scope) => {
      if (node.args.length === 0) throw new ConfigError(node.name.at, `${node.name.text} needs an address or a domain`)
      const rules = everyWord(node.args, parseRule)
      return { rules, value: await readBlock(directives, body(node), scope), at: node.name.at }
    },
  )

const listed = <D extends Directives>(name: string, directives: D) =>
  new Directive<Listed<Values<D>> | undefined>(
    { args: `custom: module:table + block:${name}`, usage: '&TABLE|MODULE … { … }', children: directives, role: Table },
    async (node, scope) => {
      const table = await tableOf(node, scope)
      return { table, value: await readBlock(directives, body(node), scope), at: node.name.at }
    },
  )

/** The braces belong to the pipeline, so the table is a reference or has nothing but words. */
const tableOf = (node: Node, scope: Scope): Promise<Table> =>
  scope.instance(Table, { name: node.name, args: node.args })

const body = ({ name, children = [] }: Node): Node => ({ name, args: [], children })

const check = (who: string) =>
  useGroup(Checks, 'checks')
    .map(({ checks }): readonly Check[] => checks)
    .many()
    .doc(`Looks at ${who}: a block with a check on each line, or the name of a group. They work at the same time.`)

const modify = (who: string) =>
  useGroup(Modifier, 'modifiers')
    .many()
    .doc(`Rewrites ${who}: a block with a modifier on each line, or the name of a group. They work one after another.`)

/** What may become of a recipient. */
export const destinationDirectives = {
  check: check('messages for these recipients'),
  modify: modify('messages for these recipients, after all rewriting before'),
  deliver_to: use(Target).map(located).many().doc('Where the message goes. Several targets each get it.'),
  reroute: new Directive<Located<MakeTarget> | undefined>({ args: 'block:pipeline', usage: '{ … }' }, (node, scope) =>
    readReroute(node, scope),
  )
    .many()
    .doc('Sends the recipient through routing of its own, which sees what rewriting has made of it.'),
  reject: reject().map(located).many().doc('Refuses the recipient. Without words: 554 5.7.0.'),
}

const destinations = {
  destination_in: listed('pipeline.destination', destinationDirectives)
    .many()
    .doc('For recipients that a table knows; asked in the order written, before any other rule.'),
  destination: ruled('pipeline.destination', destinationDirectives)
    .many()
    .doc('For the recipients named: whole addresses go before domains, the first of equal rules wins.'),
  default_destination: block(destinationDirectives).doc('For recipients that nothing else names.'),
}

/** What may become of the mail of a sender. */
export const sourceDirectives = {
  ...destinations,
  ...destinationDirectives,
  check: check('messages of these senders'),
  modify: modify('messages of these senders'),
}

/** Routing: to be spread into the directives of an endpoint or a `msgpipeline`. */
export const pipelineDirectives = {
  dmarc: yesOrNo()
    .default('no')
    .doc('Does with messages that fail DMARC what the domain of their author asks for. Needs the checks spf and dkim.'),
  source_in: listed('pipeline.source', sourceDirectives)
    .many()
    .doc(
      'For senders that a table knows; asked in the order written, before any other rule. The null sender is the empty key.',
    ),
  source: ruled('pipeline.source', sourceDirectives)
    .many()
    .doc('For the senders named: whole addresses go before domains, the first of equal rules wins.'),
  default_source: block(sourceDirectives).doc('For senders that nothing else names.'),
  ...sourceDirectives,
  check: check('every message'),
  modify: modify('every message'),
}

export type PipelineConfig = Values<typeof pipelineDirectives>
export type SourceConfig = Values<typeof sourceDirectives>
export type DestinationConfig = Values<typeof destinationDirectives>

/** Makes the target that a nested pipeline is, once it is known what surrounds it. */
export type MakeTarget = (around: Surroundings) => Target

/** `reroute` holds what holds it, so it is read by a function, which the constants above need not know yet. */
const readReroute = async (node: Node, scope: Scope): Promise<Located<MakeTarget>> => {
  const [extra] = node.args
  const { at } = node.name
  if (extra) throw new ConfigError(extra.at, 'reroute takes a block only')
  if (!node.children?.length) throw new ConfigError(at, 'reroute needs a block that says where the message goes')
  const config = await readBlock(pipelineDirectives, node, scope)
  return located(({ hostname, log, dns, counters }) => new Pipeline(config, { hostname, log, dns, counters, at }), at)
}

/** `dmarc` knows these two words only, and none, which is yes. */
function yesOrNo() {
  return new Directive<boolean | undefined>(
    { args: 'custom: [yes|no]', usage: '[yes|no]', values: ['yes', 'no'] },
    (node) => {
      withoutBlock(node)
      const [word, extra] = node.args
      if (extra) throw new ConfigError(extra.at, `dmarc takes only yes or no, not ${quoted(extra.text)} as well`)
      if (!word) return true
      if (word.text !== 'yes' && word.text !== 'no')
        throw new ConfigError(word.at, `expected yes or no, not ${quoted(word.text)}`)
      return word.text === 'yes'
    },
  )
}
