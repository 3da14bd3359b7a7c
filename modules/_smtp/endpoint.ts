import type { Socket } from 'node:net'
import type { Context, Endpoint, EndpointAddress, Lifecycle, Logger, PipelineConfig, Values } from '../../core/index.ts'
import {
  Authenticator,
  ConfigError,
  checkTls,
  formatEndpoint,
  formatPeer,
  openBuffer,
  Pipeline,
} from '../../core/index.ts'
import { toAscii } from '../../core/kit/address/index.ts'
import { SmtpServer } from '../../core/kit/smtp/server/index.ts'
import { Arrival } from './arrival.ts'
import type { lmtpDirectives } from './directives.ts'
import { Session } from './session.ts'
import type { Settings } from './settings.ts'
import { Tally } from './tally.ts'

export type SmtpConfig = Values<typeof lmtpDirectives> & { readonly inline: readonly EndpointAddress[] }

export type Kind = 'smtp' | 'submission' | 'lmtp'

/** An SMTP, submission or LMTP endpoint whose mail goes through its pipeline. Throws ConfigError. */
export const makeEndpoint = (
  kind: Kind,
  config: SmtpConfig & PipelineConfig,
  context: Context,
): Endpoint & Lifecycle => {
  const { inline: listen, tls } = config
  const { log } = context
  const hostname = asciiName(config.hostname, context)
  const implicit = listen.find(({ scheme }) => scheme === 'tls')
  if (implicit && !tls) throw new ConfigError(context.at, `${implicit.text} needs tls, which is off`)
  const insecureAuth = config.insecure_auth || !tls
  const authenticator = new Authenticator(config, context, log)
  const pipeline = new Pipeline(config, {
    hostname,
    log,
    dns: context.dns,
    counters: context.counters,
    at: context.at,
    entry: { hideClient: kind === 'submission' },
  })
  const server = new SmtpServer({
    hostname,
    protocol: kind === 'lmtp' ? 'lmtp' : 'smtp',
    ...(tls && { tls: () => tls.options() }),
    mechanisms: authenticator.mechanisms,
    insecureAuth,
    authRequired: kind === 'submission',
    maxMessageSize: config.max_message_size,
    maxRecipients: config.max_recipients,
    maxLineLength: config.smtp_max_line_length,
    readTimeout: config.read_timeout,
    writeTimeout: config.write_timeout,
    bareNewlines: config.bare_newlines,
  })

  const settingsOf = async (): Promise<Settings> => ({
    hostname,
    protocol: kind === 'lmtp' ? 'lmtp' : 'smtp',
    submission: kind === 'submission',
    pipeline,
    limits: config.limits,
    authenticator,
    dns: context.dns,
    log,
    tally: new Tally(context.counters, kind),
    spool: await openBuffer(config.buffer, context),
    maxHeaderSize: config.max_header_size,
    maxReceived: config.max_received,
    deferSenderReject: config.defer_sender_reject,
    maxLoggedRcptErrors: config.max_logged_rcpt_errors,
  })

  const serve = async (settings: Settings, accepted: Socket, address: EndpointAddress, stop: AbortSignal) => {
    const arrival = new Arrival(accepted, { tls, proxy: config.proxy_protocol, log })
    const failed = (error: unknown) =>
      log.debug('connection error', { src_ip: formatPeer(arrival.client), reason: String(error) })
    try {
      await arrival.secure(address, stop)
    } catch (error) {
      failed(error)
      accepted.destroy()
      return
    }
    const open = () => new Session(settings, arrival.client)
    await server.converse(arrival.socket, () => (arrival.awaited ? arrival.announce().then(open) : open()), {
      secure: address.scheme === 'tls',
      stop,
      failed,
      crashed: (error) => log.error('command failed', error, { src_ip: formatPeer(arrival.client) }),
      ...(config.io_debug && {
        dialogue: (line) => log.info('dialogue', { src_ip: formatPeer(arrival.client), line }),
      }),
    })
  }

  return {
    addresses: listen.map(formatEndpoint),
    async start() {
      warn(config, insecureAuth && config.auth.length > 0, log)
      checkTls(tls, context.at)
      const settings = await settingsOf()
      await context.serve(listen, (socket, address, stop) => serve(settings, socket, address, stop), {
        grace: config.shutdown_timeout,
      })
    },
  }
}

const asciiName = (hostname: string, { at }: Context): string => {
  try {
    return toAscii(hostname)
  } catch (cause) {
    throw new ConfigError(at, `the hostname ${hostname} cannot be written in ASCII`, { cause })
  }
}

const warn = ({ inline, tls, io_debug }: SmtpConfig, insecureAuth: boolean, log: Logger): void => {
  if (io_debug) log.info('what is said on the wire is logged, addresses and subjects of others too')
  const open = inline.some(({ scheme, host }) => scheme !== 'unix' && !host.startsWith('127.0.0.'))
  if (!open) return
  if (insecureAuth) log.info('passwords are accepted over connections that are not encrypted')
  if (!tls) log.info('TLS is off: mail passes unencrypted')
}
