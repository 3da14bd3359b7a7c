import { isIP } from 'node:net'
import type { Node, Scope, Word } from '../../../core/index.ts'
import {
  anyText,
  ConfigError,
  Directive,
  didYouMean,
  everyWord,
  flag,
  integer,
  Problems,
  quoted,
  readBlock,
} from '../../../core/index.ts'
import { validDomain } from '../../../core/kit/address/index.ts'
import { Networks } from '../../../core/kit/proxy/index.ts'
import type { List, Responses, Rule } from './list.ts'

/** IP addresses and networks. Throws ConfigError with every word that is neither. */
const responsesOf = ({ name, args }: Node): Responses => {
  if (args.length === 0) throw new ConfigError(name.at, `${name.text} needs IP|NETWORK…`)
  const entries = everyWord(args, (written) => {
    new Networks([written]) // throws what is wrong with it
    return written
  })
  return { networks: new Networks(entries), ipv6: entries.some((entry) => entry.includes(':')) }
}

const responses = () =>
  new Directive<Responses | undefined>({ args: 'strings', usage: 'IP|NETWORK…' }, (node) => responsesOf(node))

const responseDirectives = {
  score: integer().required().doc('The points of these answers, instead of those of the list.'),
  message: anyText().doc('What a client that is refused is told.'),
}

const response = () =>
  new Directive<Rule | undefined>(
    {
      args: 'custom: IP-OR-CIDR… + block:check.dnsbl.response',
      usage: 'IP|NETWORK… { … }',
      children: responseDirectives,
    },
    async (node, scope) => {
      const problems = new Problems()
      const found = await problems.gather(() => responsesOf(node))
      const values = await problems.gather(() => readBlock(responseDirectives, node, scope))
      problems.raise()
      return found && values && { ...found, ...values }
    },
  )

const listDirectives = {
  client_ipv4: flag().default('yes').doc('Looks up IPv4 addresses of clients.'),
  client_ipv6: flag().default('yes').doc('Looks up IPv6 addresses of clients.'),
  ehlo: flag().default('no').doc('Looks up the names that clients greet with.'),
  mailfrom: flag().default('no').doc('Has no effect: domains of senders are not looked up.'),
  score: integer().default('1').doc('The points of a client that is listed; a list of good clients has negative ones.'),
  responses: responses()
    .default('127.0.0.1/24')
    .doc('The answers about an IP address that mean it is listed. They do not count for names, nor beside response.'),
  response: response()
    .many()
    .doc(
      'What answers of the list mean. With any of these, other answers mean nothing; the points of all are added up.',
    ),
}

/** The lines with lists. `known` are the directives beside them, one of which may have been meant. */
export const lists = (known: Iterable<string>) =>
  new Directive<readonly List[] | undefined>(
    { args: 'custom: ZONE… + block:check.dnsbl.list', usage: 'ZONE… [{ … }]', children: listDirectives },
    async ({ name, children = [] }, scope) => {
      const problems = new Problems()
      const found: List[] = []
      for (const line of children) {
        await problems.gather(async () => found.push(...(await readLists(line, name, known, scope))))
      }
      problems.raise()
      return found
    },
  )

/** The lists of one line, which share a block. */
const readLists = async (line: Node, owner: Word, known: Iterable<string>, scope: Scope): Promise<List[]> => {
  const { name, args, children } = line
  if (Object.hasOwn(listDirectives, name.text)) {
    throw new ConfigError(name.at, `${name.text} belongs into the block of a list: bl.example.org { ${name.text} … }`)
  }
  if (!name.text.includes('.') && !children) {
    const hint = didYouMean(name.text, known) || ', and lists are named by zones such as bl.example.org'
    throw new ConfigError(name.at, `${owner.text} has no directive ${name.text}${hint}`)
  }
  const problems = new Problems()
  const zones = await problems.gather(() => everyWord([name, ...args], parseZone))
  const values = await problems.gather(() => readBlock(listDirectives, line, scope))
  problems.raise()
  if (!zones || !values) return []
  const { client_ipv4: ipv4, client_ipv6: ipv6, ehlo, mailfrom, score, responses, response: rules } = values
  if (score < 0 && (ehlo || mailfrom)) {
    const what = 'has a negative score, so ehlo and mailfrom must be no: anybody can use any name'
    throw new ConfigError(name.at, `${name.text} ${what}`)
  }
  if (mailfrom) scope.warn(name.at, `mailfrom of ${name.text} has no effect: domains of senders are not looked up`)
  return zones.map((zone) => ({ zone, ipv4, ipv6, ehlo, score, responses, rules }))
}

/** A zone without its final dot. Throws RangeError. */
const parseZone = (written: string): string => {
  const zone = written.replace(/\.$/, '')
  if (!validDomain(zone) || /[\s/:]/.test(zone) || isIP(zone)) {
    throw new RangeError(`expected the zone of a list such as bl.example.org, not ${quoted(written)}`)
  }
  return zone
}

/** Zones after the name of the module: about IPv4 addresses, with any answer, and worth nothing. */
export const inlineLists = () =>
  new Directive<readonly List[] | undefined>({ args: 'custom: ZONE…', usage: '[ZONE…]' }, ({ args }, scope) => {
    const zones = everyWord(args, parseZone)
    const [first] = args
    if (first) scope.warn(first.at, 'a list counts no points here; give it a block, as in bl.example.org { score 1 }')
    return zones.map((zone) => ({ zone, ipv4: true, ipv6: false, ehlo: false, score: 0, responses: null, rules: [] }))
  })
