import type { Address, Position } from '../../core/index.ts'
import { ConfigError, Directive, MultiTable, SmtpError, Table } from '../../core/index.ts'
import {
  forLookup,
  formatAddress,
  parseAddress,
  quoteLocal,
  splitAddress,
  validAddress,
} from '../../core/kit/address/index.ts'

/** The table of replacements, after the name of the modifier. */
export const replacements = () =>
  new Directive<MultiTable | undefined>(
    { args: `module:${MultiTable.namespace}`, usage: '&NAME|TABLE …', role: MultiTable },
    async (node, scope): Promise<MultiTable> => {
      const table = await scope.instance(Table, node)
      if (scope.provides(table, MultiTable)) return table
      const [word = node.name] = node.args
      const written = node.args.map(({ text }) => text).join(' ')
      throw new ConfigError(
        word.at,
        `${word.text} has one value at most for a key, where several may be needed: wrap it as chain { step ${written} }`,
      )
    },
  )

/** The table that was written. Throws ConfigError where there is none, as in a block at the top level. */
export const given = (table: MultiTable | undefined, modifier: string, at: Position): MultiTable => {
  if (table) return table
  throw new ConfigError(at, `${modifier} needs a table after its name, and so stands inside modify { … } only`)
}

/** Replaces addresses by what a table has for them: for the whole address, or else for its local part. */
export class Replacer {
  readonly #table: MultiTable
  readonly #modifier: string

  constructor(table: MultiTable, modifier: string) {
    this.#table = table
    this.#modifier = modifier
  }

  /**
   * What stands for an address, null being `<>`; undefined when the table knows nothing of it. Throws SmtpError, a
   * temporary one, when the table cannot answer, or has what is no address.
   */
  async replace(address: Address | null): Promise<readonly Address[] | undefined> {
    try {
      return await this.#find(address)
    } catch (cause) {
      const fields = { modifier: this.#modifier, address: address ? formatAddress(address) : '' }
      throw SmtpError.temporary(451, '4.3.0', 'Internal server error', { ...fields, cause })
    }
  }

  async #find(address: Address | null): Promise<readonly Address[] | undefined> {
    const key = forLookup(address ?? '')
    const whole = await this.#table.lookup(key)
    if (whole.length > 0) return whole.map(parseValue)
    if (!address?.domain) return undefined // its local part is all there is of it
    const { local, domain } = splitAddress(key)
    const values = await this.#table.lookup(local)
    return values.length > 0 ? values.map((value) => completed(value, domain)) : undefined
  }
}

/** A value of a local part: another local part at the same domain, or a whole address. Throws RangeError. */
const completed = (value: string, domain: string): Address => {
  const quoted = value.startsWith('"') || value.endsWith('"')
  if (value.includes('@') && (!quoted || validAddress(value))) return parseValue(value)
  return parseValue(quoted ? `${value}@${domain}` : `${quoteLocal(value)}@${domain}`)
}

const parseValue = (value: string): Address => {
  if (!validAddress(value)) throw new RangeError(`the table has ${JSON.stringify(value)}, which is no address`)
  return parseAddress(value)
}
