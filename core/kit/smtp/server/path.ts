/** The path of MAIL or RCPT (RFC 5321 §4.1.2), its source route left out. */
export interface Path {
  /** As the client wrote it, without the brackets: for echoing. */
  readonly text: string
  /** Without the quotes of the wire. */
  readonly local: string
  /** As written: neither case nor encoding have been touched. */
  readonly domain: string
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not stand in a path
const unsafe = /[\x00-\x1f\x7f-\x9f\ufffd]/
/** What nearly every path is: in brackets, printable ASCII, no quotes and no route. */
const usual = /^<([!#-;=?A-[\]-~]+)@([!#-;=?A-[\]-~]+)>(?= |$)/
const plain = /^([^\s<>"@\\]+)@([^\s<>"@\\]+)$/
const quotedLocal = /^"((?:[^"\\]|\\.)+)"@([^\s<>"@\\]+)$/
const bracketed = /^<((?:"(?:[^"\\]|\\.)*"|[^<>"])*)>(?= |$)/
const bare = /^((?:"(?:[^"\\]|\\.)*"|[^<>"\s])+)(?= |$)/
const route = /^@[^\s,:@<>"]+(?:,@[^\s,:@<>"]+)*:/

/**
 * Reads a path and what follows it. Brackets may be missing, and blanks stand before it, since many clients write it so.
 * A path that is null is `<>`. Gives undefined when there is no path, or one without `@`.
 */
export const parsePath = (argument: string): { path: Path | null; rest: string } | undefined => {
  const text = argument.trim()
  const [whole, user, host] = usual.exec(text) ?? []
  if (whole !== undefined && user !== undefined && host !== undefined) {
    return { path: { text: whole.slice(1, -1), local: user, domain: host }, rest: text.slice(whole.length) }
  }
  return unusualPath(text)
}

const unusualPath = (text: string): ReturnType<typeof parsePath> => {
  const [all = '', inner] = bracketed.exec(text) ?? bare.exec(text) ?? []
  if (inner === undefined || unsafe.test(inner)) return undefined
  const rest = text.slice(all.length)
  if (inner === '' && all === '<>') return { path: null, rest }
  const address = inner.replace(route, '')
  const [, local, domain] = plain.exec(address) ?? []
  if (local !== undefined && domain !== undefined) return { path: { text: address, local, domain }, rest }
  const [, quoted, host] = quotedLocal.exec(address) ?? []
  if (quoted === undefined || host === undefined) return undefined
  return { path: { text: address, local: quoted.replace(/\\(.)/g, '$1'), domain: host }, rest }
}
