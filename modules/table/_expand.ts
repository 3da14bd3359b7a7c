/** What the groups of a match hold: by number, the whole match being 0, or by name. Undefined for none such. */
export type Groups = (group: number | string) => string | undefined

/** `$$`; or a name, which is as long as it can be unless it stands in braces. */
const reference = /\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu

/**
 * Puts groups of a match into a template by the rules of Go, whose regular expressions these are: `$1x` is the group `1x`,
 * one that is not there is empty, and a `$` that begins none of these stands for itself.
 */
export const expand = (template: string, groups: Groups): string =>
  template.replace(reference, (_, dollar, braced, bare) => {
    if (dollar !== undefined) return '$'
    const name: string = braced ?? bare
    return groups(/^(?:0|[1-9]\d*)$/.test(name) ? Number(name) : name) ?? ''
  })
