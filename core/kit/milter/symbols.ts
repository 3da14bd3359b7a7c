import { cString, encodePacket } from './packet.ts'

/** The stages at which a filter is told symbols, numbered as SMFIM_* are. */
export const stages = ['connect', 'helo', 'mail', 'recipient', 'data', 'endOfMessage', 'endOfHeader'] as const

export type Stage = (typeof stages)[number]

/** What is known of a message, by the names that filters know it under: `i`, `{client_addr}`; braces around all but letters. */
export type Symbols = Readonly<Record<string, string>>

/** The command that the symbols of a stage go with. */
export const stageCodes: Readonly<Record<Stage, string>> = {
  connect: 'C',
  helo: 'H',
  mail: 'M',
  recipient: 'R',
  data: 'T',
  endOfHeader: 'N',
  endOfMessage: 'E',
}

/** What filters count on without asking: the sets that other servers send by default, and what they are often told to add. */
const usual: Readonly<Record<Stage, readonly string[]>> = {
  connect: split('j {daemon_name} {if_name} {if_addr} v _ {client_addr} {client_name} {client_port} {client_ptr}'),
  helo: split('{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}'),
  mail: split('i {auth_authen} {auth_type} {auth_author} {mail_addr} {mail_host} {mail_mailer}'),
  recipient: split('{rcpt_addr} {rcpt_host} {rcpt_mailer}'),
  data: split('i'),
  endOfHeader: split('i'),
  endOfMessage: split('i {msg_id}'),
}

function split(names: string): readonly string[] {
  return names.split(' ')
}

/** A filter's list of names, between blanks or commas; braces that are missing are put around names of several letters. */
export const symbolNames = (list: string): readonly string[] =>
  list
    .split(/[\s,]+/)
    .map((name) => name.replace(/^\{(.*)\}$/s, '$1'))
    .filter((name) => name !== '')
    .map((name) => (name.length > 1 ? `{${name}}` : name))

/** The symbols of a stage that are known and wanted, as a packet; undefined when there are none. */
export const encodeSymbols = (
  stage: Stage,
  known: Symbols,
  wanted: readonly string[] = usual[stage],
): Buffer | undefined => {
  const pairs = wanted.flatMap((name) => {
    const value = Object.hasOwn(known, name) ? known[name] : undefined
    return value === undefined ? [] : [cString(name), cString(value.replaceAll('\0', ''))]
  })
  return pairs.length > 0 ? encodePacket('D', stageCodes[stage], ...pairs) : undefined
}
