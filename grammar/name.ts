import type { Node, Word } from './node.ts'
import { type Report, show } from './report.ts'

/** The directive that brings in a snippet or a file. */
export const isImport = ({ name }: Node): boolean => name.text === 'import'

/** `m` for `$(m)`, the name of a macro declaration; `$()` is none. */
export const macroName = (text: string): string | undefined => /^\$\((.+)\)$/s.exec(text)?.[1]

/** `s` for `(s)`, the name of a snippet declaration; it may be empty. */
export const snippetName = (text: string): string | undefined => /^\((.*)\)$/s.exec(text)?.[1]

/** What is wrong with the name of an ordinary directive, and how many UTF-16 code units into it. */
export const nameFault = (name: string): { readonly offset: number; readonly reason: string } | undefined => {
  if (name === '') return { offset: 0, reason: 'the name of a directive cannot be empty' }
  const [first = ''] = name
  if (/\p{Nd}/u.test(first))
    return { offset: 0, reason: `the name of a directive cannot start with a digit: ${show(name)}` }
  const [bad] = /[^\p{L}\p{Nd}._-]/u.exec(name) ?? []
  if (bad === undefined) return undefined
  if (name.startsWith('&'))
    return { offset: 0, reason: `a line cannot start with a reference: a directive is missing before ${show(name)}` }
  const offset = name.indexOf(bad)
  const reason = /[{}]/.test(bad)
    ? `put a space ${offset === 0 ? 'after' : 'before'} ${bad}, which is part of the name ${show(name)} otherwise`
    : `the name of a directive cannot contain ${show(bad)}: ${show(name)}; letters, digits and . - _ can be used`
  return { offset, reason }
}

/** Checks what can be told of one directive by its looks: its name, and the form of what is special to the language. */
export const checkDirective = (node: Node, nested: boolean, report: Report): void => {
  const { text } = node.name
  if (text.startsWith('$(') && text !== '$()') checkMacro(node, nested, report)
  else if (snippetName(text) !== undefined) checkSnippet(node, nested, report)
  else checkOrdinary(node, report)
}

const checkOrdinary = (node: Node, report: Report): void => {
  const { name } = node
  if (isImport(node) && node.children) report.problem(name.at, 'import cannot have a block')
  const fault = nameFault(name.text)
  if (fault) report.problem(inside(name, fault.offset), fault.reason)
}

// Within quotes or over several lines the columns do not add up; then the beginning of the word has to do.
const inside = ({ at, quoted }: Word, offset: number) => (quoted ? at : { ...at, column: at.column + offset })

const checkMacro = ({ name, args, children }: Node, nested: boolean, report: Report): void => {
  const [equals] = args
  if (macroName(name.text) === undefined) {
    report.problem(name.at, `a macro is declared as $(name) = value, with spaces around the =; not ${show(name.text)}`)
  } else if (args.length < 2) {
    const glued = equals !== undefined && /^=./.test(equals.text)
    const reason = glued ? `put a space after the = in ${show(equals.text)}` : 'it needs an = and at least one value'
    report.problem(name.at, `too few arguments for the macro ${show(name.text)}: ${reason}`)
  } else if (equals?.text !== '=') {
    report.problem(
      equals?.at ?? name.at,
      `missing equals sign: the macro ${show(name.text)} needs an = before its values`,
    )
  }
  if (nested) report.problem(name.at, `the macro ${show(name.text)} must be declared at the top level, not in a block`)
  if (children) report.problem(name.at, `the macro ${show(name.text)} cannot have a block`)
}

const checkSnippet = ({ name, args }: Node, nested: boolean, report: Report): void => {
  const [first] = args
  if (first) report.problem(first.at, `the snippet ${show(name.text)} cannot have arguments before its block`)
  if (nested)
    report.problem(name.at, `the snippet ${show(name.text)} must be declared at the top level, not in a block`)
}
