import { characterOf } from './entities.ts'

/** Tags that do not part words: `so<b>me</b>` is one. */
// biome-ignore format: a list of words
const inline: ReadonlySet<string> = new Set([
  'a', 'abbr', 'acronym', 'b', 'bdi', 'bdo', 'big', 'cite', 'code', 'data', 'del', 'dfn', 'em', 'font', 'i', 'ins', 'kbd',
  'label', 'mark', 'nobr', 'q', 's', 'samp', 'small', 'span', 'strike', 'strong', 'sub', 'sup', 'time', 'tt', 'u', 'var',
  'wbr',
])

/** Elements whose content nobody reads. */
const unread: ReadonlySet<string> = new Set(['script', 'style', 'template', 'title'])

/**
 * HTML as it would be read, every run of white space as one space. Tags need not be closed, nor be known; takes time in
 * proportion to the length, whatever stands there.
 */
export function htmlToText(html: string): string {
  let text = ''
  const scan = { quotes: true }
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf('<', at)
    if (open < 0) return tidy(text + html.slice(at))
    text += html.slice(at, open)
    const [, slash = '', name = ''] = tag(html, open) ?? []
    if (name === '' && !/[!?/]/.test(html.charAt(open + 1))) {
      text += '<'
      at = open + 1
      continue
    }
    const element = name.toLowerCase()
    at = html.startsWith('<!--', open) ? after(html, '-->', open + 4) : tagEnd(html, open + 1, scan)
    if (slash === '' && unread.has(element)) at = closing(html, element, at)
    if (name !== '' && !inline.has(element)) text += '\n'
  }
  return tidy(text)
}

const name = /<(\/?)([a-z][a-z0-9]{0,30})/iy

function tag(html: string, open: number): RegExpExecArray | null {
  name.lastIndex = open
  return name.exec(html)
}

function after(html: string, mark: string, from: number): number {
  const found = html.indexOf(mark, from)
  return found < 0 ? html.length : found + mark.length
}

const quotes = /["']/

/** Past the `>` that ends a tag. Once a quoted value has no end, quotes are no longer believed. */
function tagEnd(html: string, from: number, scan: { quotes: boolean }): number {
  let at = from
  while (scan.quotes) {
    const end = html.indexOf('>', at)
    if (end < 0) return html.length
    const quote = html.slice(at, end).search(quotes)
    if (quote < 0) return end + 1
    const close = html.indexOf(html.charAt(at + quote), at + quote + 1)
    scan.quotes = close >= 0
    at = close + 1
  }
  return after(html, '>', from)
}

/** The start of the tag that ends an element without readable content, or of the end when there is none. */
function closing(html: string, element: string, from: number): number {
  for (let at = html.indexOf('</', from); at >= 0; at = html.indexOf('</', at + 2)) {
    if (html.slice(at + 2, at + 2 + element.length).toLowerCase() === element) return at
  }
  return html.length
}

function tidy(text: string): string {
  const decoded = text.includes('&')
    ? text.replace(/&(#?\w{1,31});?/g, (whole, code) => characterOf(code) ?? whole)
    : text
  return decoded.replace(/\s+/g, ' ').trim()
}

/** Whether all character references of a text are known here. There are some two thousand, of which mail uses few. */
export function readsAll(html: string): boolean {
  for (const [, code = ''] of html.matchAll(/&([a-z]\w{1,31});/gi)) if (characterOf(code) === undefined) return false
  return true
}
