import { SaslError, textOf } from './error.ts'
import type { Exchange, SaslAuthority, SaslChannel } from './mechanism.ts'

/**
 * EXTERNAL (RFC 4422 appendix A): the client is who its certificate says. Its response is empty, or the name that it wants to
 * go by, which has to be one of those that the certificate stands for.
 */
export async function* external(
  initial: Uint8Array | null,
  authority: Pick<SaslAuthority, 'certificate'>,
  channel: SaslChannel | null,
): Exchange {
  const authzid = textOf(initial ?? (yield new Uint8Array()))
  if (!channel?.certificate) throw new SaslError('refused', 'sasl: there is no client certificate')
  return authority.certificate(channel.certificate, authzid)
}
