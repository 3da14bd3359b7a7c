import type { Accounts as AccountsRole, EndpointAddress, Quotas as QuotasRole } from '../../core/index.ts'
import {
  Accounts,
  custom,
  Directive,
  DkimKeys,
  duration,
  endpoints,
  everyWord,
  flag,
  integer,
  Quotas,
  quoted,
  serverTls,
  text,
  Users,
  use,
  words,
} from '../../core/index.ts'
import { validDomain } from '../../core/kit/address/index.ts'
import { Networks } from '../../core/kit/proxy/index.ts'
import { checkOrigin } from './origins.ts'

const loopback = ({ host }: EndpointAddress): boolean => /^(127\.|localhost$|::1$)/.test(host)

/** The words after the name of the endpoint. */
export const listen = () => {
  const addresses = endpoints()
  return new Directive<readonly EndpointAddress[] | undefined>(addresses.shape, async (node, scope) => {
    const read = (await addresses.readOne(node, scope)) as readonly EndpointAddress[]
    for (const address of read) {
      if (address.scheme !== 'tcp' || loopback(address)) continue
      scope.warn(
        node.name.at,
        `rest_api on ${address.text} takes the password of the administrator over connections that are not encrypted: use tls://, or an address of this machine behind a proxy that speaks TLS`,
      )
    }
    return read
  })
    .required()
    .doc('Where to listen: tcp://127.0.0.1:8080, tls://0.0.0.0:8443, unix://api.sock.')
}

/** Mailboxes that can be managed; `quotas` when their size can be limited, too. */
export interface Mailboxes {
  readonly accounts: AccountsRole
  readonly quotas: QuotasRole | undefined
}

const mailboxes = () => {
  const { shape } = use(Accounts)
  return new Directive<Mailboxes | undefined>(shape, async (node, scope) => {
    const accounts = await scope.instance(Accounts, node)
    const limits = scope.provides(accounts, Quotas)
    return { accounts, quotas: limits ? (accounts as unknown as QuotasRole) : undefined }
  })
}

const networks = () =>
  custom({ args: 'strings', usage: 'IP|NETWORK…' }, (given) => {
    everyWord(given, (written) => new Networks([written]))
    return new Networks(given.map((word) => word.text))
  })

const origins = () =>
  custom({ args: 'strings', usage: 'ORIGIN…' }, (given) => {
    return everyWord(given, checkOrigin)
  })

/** The elements of a list with commas, blanks around them left out. */
const listed = (value: string): readonly string[] =>
  value
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '')

const wholeNumber = (value: string): readonly string[] | undefined =>
  /^\s*[+-]?\d+\s*$/.test(value) ? [value.trim()] : undefined

export const directives = {
  tls: serverTls().inherit().doc('Certificates of tls:// addresses, or off.'),
  credentials: use(Users).default('&local_authdb').doc('Who may log in: the users that are managed.'),
  storage: mailboxes().default('&local_mailboxes').doc('Where their mailboxes are.'),
  dkim: use(DkimKeys).doc(
    'Makes the signing key of a domain with its first user: modify.dkim, or a group of modifiers with it.',
  ),
  admin_email: text('EMAIL').environment('ADMIN_EMAIL').required().doc('The name that the administrator logs in with.'),
  admin_password: text('PASSWORD').environment('ADMIN_PASSWORD').required().doc('The password of the administrator.'),
  requests_per_second: integer(1, 1_000_000)
    .environment('REQUESTS_PER_SECOND', wholeNumber)
    .default('3')
    .doc('How many requests one address may send in a second.'),
  cors_allow_origins: origins()
    .environment('CORS_ALLOW_ORIGINS', listed)
    .doc(
      'Web sites whose scripts may use the API: https://admin.example.org, with * and ? for characters of the host; * alone is all of them, without credentials of the browser. In the environment with commas between them.',
    ),
  content_security_policy: words('POLICY…')
    .map((parts) => {
      const policy = parts.join(' ')
      if (!/^[\x20-\x7e]*$/.test(policy)) throw new RangeError('a policy is printable ASCII')
      return policy
    })
    .environment('CONTENT_SECURITY_POLICY')
    .default("default-src 'none'")
    .doc('What the answers of the API allow browsers to load. The pages of the server have a policy of their own.'),
  fqdn: text('DOMAIN')
    .map((domain) => {
      if (!validDomain(domain) || !/^[\w.-]+$/.test(domain)) throw new RangeError(`${quoted(domain)} is no domain`)
      return domain
    })
    .environment('FQDN')
    .doc('The domain of the cookie that use_cookies sets; the host alone by default.'),
  use_cookies: flag()
    .environment('USE_COOKIES')
    .default('no')
    .doc('Wants a token from a cookie again in the header X-CSRF-Token of each request that changes something.'),
  trusted_proxies: networks().doc(
    'Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. What connects to a Unix socket always is.',
  ),
  show_version: flag().default('yes').doc('Whether GET /version, which needs no login, tells the version.'),
  shutdown_timeout: duration().default('10s').doc('How long requests may go on when the server stops or is reloaded.'),
  debug: flag().inherit().default('no').doc('Verbose log.'),
}
