import { posix } from 'node:path'
import { ConfigError } from '../../grammar/node.ts'
import { custom, everyWord, quoted } from './values.ts'

/** Where a server listens or a client connects: `tcp://host:port`, `tls://host:port`, `unix://path`. */
export interface EndpointAddress {
  readonly scheme: 'tcp' | 'tls' | 'unix'
  /** As written, or made up from the parts. */
  readonly text: string
  /** Without brackets; empty for all addresses of the machine, and for `unix`. */
  readonly host: string
  /** 0 picks a free one; 0 for `unix` too. */
  readonly port: number
  /** Of a Unix socket; relative ones are taken from the runtime directory. */
  readonly path: string
}

/**
 * Reads an address by the rules of URLs: `tcp:host:port` is short for `tcp://host:port`; IPv6 hosts stand in brackets, with
 * `%25` before a zone. Throws RangeError.
 */
export const parseEndpoint = (written: string): EndpointAddress => {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):(.*)$/is.exec(written) ?? []
  switch (scheme.toLowerCase()) {
    case 'tcp':
    case 'tls':
      return network(scheme.toLowerCase() as 'tcp' | 'tls', rest, written)
    case 'unix':
      return unix(rest, written)
    default:
      throw new RangeError(`expected tcp://HOST:PORT, tls://HOST:PORT or unix://PATH, not ${quoted(written)}`)
  }
}

const network = (scheme: 'tcp' | 'tls', rest: string, text: string): EndpointAddress => {
  const authority = (rest.startsWith('//') ? rest.slice(2) : rest).replace(/[/?#].*$/s, '').replace(/^.*@/s, '')
  const [, host, portText] = /^(\[[^\]]*\]|[^:]*):([^:]*)$/.exec(authority) ?? []
  if (host === undefined || portText === undefined || portText === '') {
    throw new RangeError(`the port is missing in ${quoted(text)}: expected ${scheme}://HOST:PORT`)
  }
  const port = /^\d+$/.test(portText) ? Number(portText) : Number.NaN
  if (!(port <= 65_535)) throw new RangeError(`${quoted(portText)} is no port (0 to 65535)`)
  return { scheme, text, host: hostname(host, text), port, path: '' }
}

const hostname = (host: string, text: string): string => {
  const bracketed = host.startsWith('[')
  const bare = bracketed ? host.slice(1, -1).replace(/%25/g, '%') : host
  const valid = bracketed ? /^[0-9a-f:.]+(%[\w.~-]+)?$/i.test(bare) : /^[\w.-]*$/.test(bare)
  if (!valid) throw new RangeError(`${quoted(host)} is no host in ${quoted(text)}`)
  return bare
}

const unix = (rest: string, text: string): EndpointAddress => {
  const [, slashes = '', body = ''] = /^(\/\/)?(.*)$/s.exec(rest.replace(/[?#].*$/s, '')) ?? []
  const [, host = '', tail = ''] = slashes === '' ? ['', body, ''] : (/^([^/]*)(.*)$/s.exec(body) ?? [])
  if (slashes !== '' && /%/.test(host)) throw new RangeError(`%xx cannot stand in the first part of ${quoted(text)}`)
  const [, port] = slashes === '' ? [] : (/:(.*)$/.exec(host) ?? [])
  if (port !== undefined && !/^\d*$/.test(port)) throw new RangeError(`${quoted(port)} is no port in ${quoted(text)}`)
  const path = host + (slashes === '' ? tail : decode(tail, text))
  if (path === '') throw new RangeError(`the path is missing in ${quoted(text)}: expected unix://PATH`)
  return { scheme: 'unix', text, host: '', port: 0, path }
}

const decode = (path: string, text: string): string => {
  try {
    return decodeURIComponent(path)
  } catch (cause) {
    throw new RangeError(`${quoted(text)} has a % that begins no character code`, { cause })
  }
}

/** The file of a Unix socket, absolute. */
export const socketPath = ({ path }: EndpointAddress, runtimeDirectory: string): string =>
  path.startsWith('/') ? path : posix.join(runtimeDirectory, path)

/** The address as text that names the same place however it was written; for comparing. */
export const formatEndpoint = ({ scheme, host, port, path }: EndpointAddress): string => {
  if (scheme === 'unix') return `unix://${path}`
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** One address. */
export const endpoint = () =>
  custom({ args: 'custom: address', usage: 'tcp://HOST:PORT' }, (words, { name }) => {
    const [word, extra] = words
    if (!word) throw new ConfigError(name.at, `${name.text} needs an address such as tcp://127.0.0.1:25`)
    if (extra) throw new ConfigError(extra.at, `${name.text} takes only one address`)
    return parseEndpoint(word.text)
  })

/** One address or more; each once. */
export const endpoints = () =>
  custom({ args: 'custom: addresses', usage: 'ADDRESS…' }, (words, { name }) => {
    if (words.length === 0) throw new ConfigError(name.at, `${name.text} needs an address such as tcp://0.0.0.0:25`)
    return everyWord(words, parseEndpoint)
  })
