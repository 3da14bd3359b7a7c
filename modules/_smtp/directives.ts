import {
  buffer,
  duration,
  endpoints,
  flag,
  integer,
  Limits,
  loginDirectives,
  oneOf,
  proxyProtocol,
  serverTls,
  size,
  text,
  useGroup,
} from '../../core/index.ts'

/** The words after the name of an endpoint. */
export const listen = endpoints()
  .required()
  .doc('Where to listen: tcp://0.0.0.0:25, tls://0.0.0.0:465, unix:///run/lmtp.sock.')

/** Directives that smtp, submission and lmtp have in common, besides those of the pipeline. */
export const smtpDirectives = {
  hostname: text('NAME').inherit().required().doc('The name in the banner, in Received and in Message-IDs made here.'),
  tls: serverTls().inherit().required().doc('Certificates for STARTTLS and tls:// addresses, or off.'),
  ...loginDirectives,
  insecure_auth: flag().default('no').doc('Lets clients log in without TLS. Always so when TLS is off.'),
  read_timeout: duration()
    .default('10m')
    .doc('How long a client may be silent, and how long the whole of DATA may take; 0 for ever.'),
  write_timeout: duration().default('1m').doc('How long a client may leave replies unread; 0 for ever.'),
  shutdown_timeout: duration().default('3m').doc('How long sessions may go on when the server stops or is reloaded.'),
  max_message_size: size().default('32M').doc('The largest message, header and body together; 0 for any.'),
  max_header_size: size().default('1M').doc('The largest header of a message.'),
  max_recipients: integer(0).default('20000').doc('How many recipients a message may have; 0 for any.'),
  max_received: integer(0).default('50').doc('A message with more Received fields than this is going in circles.'),
  smtp_max_line_length: integer(1000).default('4000').doc('The longest line of commands and of messages, in octets.'),
  bare_newlines: bareNewlines('refuse'),
  buffer: buffer().doc('Where the bodies of messages are kept while they are handled.'),
  proxy_protocol: proxyProtocol().doc('Believes the PROXY headers of the proxies named; of all without a name.'),
  defer_sender_reject: flag().default('yes').doc('Tells what is wrong with a sender only when a recipient is named.'),
  max_logged_rcpt_errors: integer(0).default('5').doc('How many refused recipients of one connection are logged.'),
  limits: useGroup(Limits, 'limits').doc('How much is taken in at once, and in a time.'),
  io_debug: flag().default('no').doc('Logs what is said on the wire; credentials and messages are left out.'),
  debug: flag().inherit().default('no').doc('Verbose log.'),
}

/** As `smtpDirectives`, for mail that comes from users. */
export const submissionDirectives = {
  ...smtpDirectives,
  auth: loginDirectives.auth.required(),
  bare_newlines: bareNewlines('normalize'),
}

/** As `smtpDirectives`; TLS is no matter of course between processes of one machine. */
export const lmtpDirectives = {
  ...smtpDirectives,
  tls: serverTls()
    .inherit()
    .doc('Certificates for STARTTLS and tls:// addresses, or off, as it is when nothing is said.'),
}

function bareNewlines(usual: 'refuse' | 'normalize') {
  return oneOf('refuse', 'normalize')
    .default(usual)
    .doc(
      'What becomes of a message with a CR or LF on its own, or NULs in front of a dot, which servers have been tricked with into seeing two messages in one: it is refused, or mended by a CRLF in each such place.',
    )
}
