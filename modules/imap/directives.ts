import {
  duration,
  endpoints,
  flag,
  integer,
  loginDirectives,
  normalizer,
  proxyProtocol,
  Storage,
  serverTls,
  Table,
  use,
} from '../../core/index.ts'

/** The words after the name of the endpoint. */
export const listen = endpoints()
  .required()
  .doc('Where to listen: tcp://0.0.0.0:143, tls://0.0.0.0:993, unix:///run/imap.sock.')

export const imapDirectives = {
  tls: serverTls().inherit().required().doc('Certificates for STARTTLS and tls:// addresses, or off.'),
  ...loginDirectives,
  storage: use(Storage).required().doc('Where the mailboxes are.'),
  storage_map: use(Table).doc('Maps a user name to the account of the storage; names without an entry are refused.'),
  storage_map_normalize: normalizer().default('auto').doc('What is done to a user name before storage_map.'),
  insecure_auth: flag().default('no').doc('Lets clients log in without TLS. Always so when TLS is off.'),
  proxy_protocol: proxyProtocol().doc('Believes the PROXY headers of the proxies named; of all without a name.'),
  shutdown_timeout: duration().default('3m').doc('How long sessions may go on when the server stops or is reloaded.'),
  max_connections_per_address: integer(0)
    .default('0')
    .doc('How many connections one client address may have at once; 0 for any number.'),
  max_connections_per_user: integer(0)
    .default('0')
    .doc('How many connections one account may have at once; 0 for any number.'),
  io_debug: flag()
    .default('no')
    .doc('Logs what is said on the wire; passwords and the content of messages are left out.'),
  io_errors: flag().default('no').doc('Logs why connections break.'),
  debug: flag().inherit().default('no').doc('Verbose log.'),
}
