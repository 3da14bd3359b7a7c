/** A statement whose parameters are all plain `?`, and which of the given values each of them stands for, from 0. */
export interface Bound {
  readonly text: string
  readonly order: readonly number[]
}

/** What must be passed over whole: strings, quoted names, comments, words (which may contain `$`); then `;` and parameters. */
const token =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[a-z_\u0080-\uffff][\w$\u0080-\uffff]*|(;)|\?(\d*)|[$:@]([\w\u0080-\uffff]+)/gi

/**
 * Gives every parameter its place by number, which SQLite itself does for `?1` only: to it `$1` is a name like another,
 * and names are numbered as they come. Here `$1` is the first value wherever it stands, as in PostgreSQL. Other names
 * stand for the value that `named` has at that place or, without `named`, are numbered as SQLite does. Throws when a name
 * is unknown or a second statement follows, which SQLite would pass over in silence.
 */
export const placeholders = (sql: string, named?: readonly string[]): Bound => {
  const order: number[] = []
  const seen = new Map<string, number>()
  let highest = -1
  const place = (index: number): string => {
    highest = Math.max(highest, index)
    order.push(index)
    return '?'
  }
  const byName = (name: string): number => {
    const index = named ? named.indexOf(name) : (seen.get(name) ?? highest + 1)
    seen.set(name, index)
    if (named && index < 0) throw new RangeError(`no parameter is called ${name}; there are ${named.join(' and ')}`)
    return index
  }
  const text = sql.replace(token, (whole, end, number, name, at) => {
    if (end !== undefined && !blank(sql.slice(at + 1))) throw new RangeError('only one statement can stand here')
    if (number !== undefined) return place(number === '' ? highest + 1 : position(number))
    if (name === undefined) return whole
    return place(/^\d+$/.test(name) ? position(name) : byName(name))
  })
  return { text, order }
}

const position = (written: string): number => {
  if (Number(written) === 0) throw new RangeError('parameters are numbered from 1')
  return Number(written) - 1
}

const blank = (sql: string): boolean => /^(?:[\s;]|--[^\n]*|\/\*[\s\S]*?\*\/)*$/.test(sql)
