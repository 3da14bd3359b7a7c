import type { Matcher } from 're2js'
import { RE2JS } from 're2js'
import { blaming, ConfigError, custom, defineModule, flag, MultiTable, Table } from '../../core/index.ts'
import { expand } from './_expand.ts'

/** RE2 takes a time that only grows with the key, which may come from a stranger. JavaScript's own engine does not. */
export default defineModule({
  name: 'table.regexp',
  doc: 'Maps each key that a regular expression (RE2) matches to its replacements, or without any to itself.',
  provides: [Table, MultiTable],
  config: {
    full_match: flag().default('yes').doc('Adds ^ and $ around the expression. Alternatives are not grouped by it.'),
    case_insensitive: flag().default('yes').doc('Lets capital letters match small ones.'),
    expand_replaceholders: flag().default('yes').doc('Replaces $1 and $name by what that group matched.'),
    expand_placeholders: flag().doc('The same as expand_replaceholders, and preferred to it.'),
  },
  inline: custom(
    { args: '1 or more: the pattern, then replacements', usage: 'PATTERN [REPLACEMENT…]' },
    (words) => words,
  ),
  create({ inline = [], full_match, case_insensitive, expand_replaceholders, expand_placeholders }, { at }) {
    const [pattern, ...replacements] = inline
    if (!pattern) throw new ConfigError(at, 'regexp needs a pattern after its name')
    const expression = blaming(pattern.at, () =>
      RE2JS.compile(full_match ? anchored(pattern.text) : pattern.text, case_insensitive ? RE2JS.CASE_INSENSITIVE : 0),
    )
    const expands = expand_placeholders ?? expand_replaceholders
    return {
      async lookup(key) {
        const match = expression.matcher(key)
        if (!match.find()) return []
        if (replacements.length === 0) return [key]
        return replacements.map(({ text }) => (expands ? expand(text, groupsOf(match, expression)) : text))
      },
    }
  },
})

const anchored = (pattern: string): string =>
  `${pattern.startsWith('^') ? '' : '^'}${pattern}${pattern.endsWith('$') ? '' : '$'}`

const groupsOf = (match: Matcher, expression: RE2JS) => (group: number | string) => {
  const known =
    typeof group === 'number' ? group <= expression.groupCount() : Object.hasOwn(expression.namedGroups(), group)
  return known ? (match.group(group) ?? undefined) : undefined
}
