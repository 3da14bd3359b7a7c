import type { OutgoingHttpHeaders } from 'node:http'
import type { Address, Inspection, Message, Verdict } from '../../core/index.ts'
import {
  anyText,
  Check,
  checkDirectives,
  defineModule,
  failAction,
  judge,
  quoted,
  SmtpError,
  text,
  tlsClient,
  value,
  words,
} from '../../core/index.ts'
import { contentOf } from '../../core/kit/message/index.ts'
import { HttpClient, UnreadableError } from './_rspamd/client.ts'
import { requestHeaders } from './_rspamd/request.ts'
import { parseResult, ResultError } from './_rspamd/result.ts'
import { verdictOn } from './_rspamd/verdict.ts'

const apiPath = () =>
  value('URL', (written) => {
    const url = URL.canParse(written) ? new URL(written) : undefined
    if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
      throw new RangeError(`expected a URL such as http://127.0.0.1:11333, not ${quoted(written)}`)
    }
    if (url.search || url.hash) throw new RangeError('the URL of rspamd ends with a path')
    return url
  })

/** Asks rspamd, over HTTP, what it thinks of a message. */
export default defineModule({
  name: 'check.rspamd',
  doc: 'Asks rspamd about each message, and does what it recommends.',
  provides: [Check],
  inline: apiPath(),
  config: {
    ...checkDirectives,
    api_path: apiPath().doc(
      'Where rspamd is; /checkv2 is added to it. Without it, the URL after the name of the module, or else http://127.0.0.1:11333.',
    ),
    tls_client: tlsClient().inherit().default('').doc('How TLS is spoken where the URL is an https one.'),
    settings_id: anyText('ID').doc('The settings that rspamd is to use, by their ID.'),
    tag: anyText().default('maddy').doc('The tag of this server in the log of rspamd.'),
    hostname: text('NAME').inherit().doc('The name of this server that rspamd is told.'),
    io_error_action: failAction()
      .default('ignore')
      .doc('What is done when rspamd cannot be reached, or says what is not understood.'),
    error_resp_action: failAction().default('ignore').doc('What is done when rspamd answers with an error.'),
    add_header_action: failAction().default('quarantine').doc('What is done when rspamd says `add header`.'),
    rewrite_subj_action: failAction()
      .default('quarantine')
      .doc('What is done when rspamd says `rewrite subject`, which stays as it is.'),
    reject_action: failAction().default('reject').doc('What is done when rspamd says `reject`.'),
    soft_reject_action: failAction().default('reject').doc('What is done when rspamd says `soft reject`.'),
    flags: words('FLAG…', 0).default('pass_all').doc('Has no effect; accepted for the sake of older files.'),
  },
  create({ inline, api_path, tls_client, ...config }, { log }) {
    const client = new HttpClient(checkUrl(api_path ?? inline ?? new URL('http://127.0.0.1:11333')), tls_client)
    const server = { tag: config.tag, settingsId: config.settings_id ?? '', hostname: config.hostname ?? '' }

    const ask = async (
      id: string,
      headers: OutgoingHttpHeaders,
      message: Message,
      signal: AbortSignal,
    ): Promise<Verdict> => {
      try {
        const { status, text } = await client.post(headers, contentOf(message), signal)
        if (status < 200 || status > 299) return judge(config.error_resp_action, failure('4.7.0', { status }))
        const result = parseResult(text)
        const verdict = verdictOn(result, config)
        if (!verdict) log.info('rspamd recommends what is not known', { msg_id: id, action: result.action })
        return verdict ?? {}
      } catch (cause) {
        if (signal.aborted || cause instanceof UnreadableError) throw cause
        return judge(config.io_error_action, failure(cause instanceof ResultError ? '4.9.0' : '4.7.0', { cause }))
      }
    }

    return {
      name: 'rspamd',
      timeout: config.timeout,
      async start(held) {
        held.use(client)
      },
      begin(envelope): Inspection {
        let from: Address | null = null
        const recipients: Address[] = []
        return {
          async sender(address) {
            from = address
            return undefined
          },
          async recipient(address) {
            recipients.push(address)
            return undefined
          },
          message: (message, signal) =>
            ask(envelope.id, requestHeaders(server, envelope, from, recipients), message, signal),
        }
      },
    }
  },
})

const checkUrl = (base: URL): URL => {
  const url = new URL(base)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/checkv2`
  return url
}

const failure = (enhanced: '4.7.0' | '4.9.0', details: Readonly<Record<string, unknown>>): SmtpError =>
  SmtpError.temporary(451, enhanced, 'Internal error during policy check', { check: 'rspamd', ...details })
