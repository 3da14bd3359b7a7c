import { BlockList } from 'node:net'
import type { Address, Envelope, Message, Origin, Resolver } from '../../../core/index.ts'
import { timeLimit } from '../../../core/kit/abort.ts'
import { formatAddress, wireAddress } from '../../../core/kit/address/index.ts'
import type { Symbols } from '../../../core/kit/milter/index.ts'

/** What the reverse name of a client is worth: with `OK` its addresses have that of the client among them. */
export interface ClientName {
  readonly name: string
  readonly resolve: 'OK' | 'FAIL' | 'FORGED' | 'TEMP'
}

/**
 * The name of a client as filters trust it: one that the client's own DNS claims and that leads back to the client, or else
 * the address in brackets. The DNS has `patience` milliseconds; 0 is no limit.
 */
export const clientName = async (
  { peer, rdns }: Origin,
  dns: Resolver,
  patience: number,
  signal: AbortSignal,
): Promise<ClientName> => {
  if (!peer) return { name: 'localhost', resolve: 'OK' }
  const literal = `[${peer.ip}]`
  if (!rdns) return { name: literal, resolve: rdns === null ? 'TEMP' : 'FAIL' }
  try {
    const v6 = peer.ip.includes(':')
    const limit = patience > 0 ? AbortSignal.any([signal, timeLimit(patience)]) : signal
    const { records } = v6 ? await dns.aaaa(rdns, limit) : await dns.a(rdns, limit)
    const addresses = new BlockList()
    const family = v6 ? 'ipv6' : 'ipv4'
    for (const record of records) addresses.addAddress(record, family)
    const leadsBack = addresses.check(peer.ip, family)
    return leadsBack ? { name: rdns, resolve: 'OK' } : { name: literal, resolve: 'FORGED' }
  } catch {
    signal.throwIfAborted()
    return { name: literal, resolve: 'TEMP' }
  }
}

/** What is known from the beginning. */
export const connectionSymbols = (
  { id, origin }: Envelope,
  { name, resolve }: ClientName,
  hostname: string | undefined,
): Symbols => {
  const { helo, peer, protocol, rdns, tls, user } = origin
  return {
    i: id,
    s: helo,
    v: 'tsmaddy',
    r: protocol ?? '',
    ...(hostname !== undefined && { j: hostname }),
    '{daemon_name}': 'maddy',
    '{if_name}': 'unknown',
    '{if_addr}': '0.0.0.0',
    '{client_name}': name,
    '{client_resolve}': resolve,
    '{client_ptr}': rdns || 'unknown',
    ...(peer && {
      _: name.startsWith('[') ? name : `${name} [${peer.ip}]`,
      '{client_addr}': peer.ip,
      '{client_port}': String(peer.port),
    }),
    ...(tls && { '{tls_version}': tls.version, '{cipher}': tls.cipher }),
    ...(tls?.certificate && {
      '{cert_subject}': tls.certificate.subject,
      '{cert_issuer}': tls.certificate.issuer,
    }),
    // Filters look whether there is a type more than which it is, and an envelope does not tell.
    ...(user !== null && { '{auth_authen}': user, '{auth_type}': 'PLAIN' }),
  }
}

/** What is known once there is a sender; null is `<>`. */
export const senderSymbols = (from: Address | null, smtputf8: boolean): Symbols => ({
  '{mail_addr}': from ? addressText(from, smtputf8) : '',
  '{mail_host}': from?.domain ?? '',
  '{mail_mailer}': 'esmtp',
})

export const recipientSymbols = (to: Address, smtputf8: boolean): Symbols => ({
  '{rcpt_addr}': addressText(to, smtputf8),
  '{rcpt_host}': to.domain,
  '{rcpt_mailer}': 'esmtp',
})

/** What is known at the end of a message. */
export const messageSymbols = ({ header }: Message, recipients: number): Symbols => {
  const id = header.get('message-id')
  return { '{nrcpts}': String(recipients), ...(id !== undefined && { '{msg_id}': id }) }
}

/** An address as MAIL and RCPT have it. Rewriting may have made one that could not travel, but a filter can be told. */
export const addressText = (address: Address, smtputf8: boolean): string => {
  try {
    return wireAddress(address, smtputf8)
  } catch {
    return formatAddress(address)
  }
}
