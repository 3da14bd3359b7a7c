import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import type { ConnectionOptions } from 'node:tls'
import type { PoolConfig } from 'pg'
import type { ConnectOptions } from './database.ts'
import type { Parameters } from './libpq.ts'
import { parseDsn, sessionOptions, withEnvironment } from './libpq.ts'

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const

/** How to reach the server: a place for messages, what all attempts share, and TLS or not, in the order of preference. */
export interface PostgresOptions {
  readonly place: string
  readonly shared: PoolConfig
  readonly attempts: readonly (ConnectionOptions | false)[]
}

/**
 * What a DSN says, for `pg`. Without `sslmode` TLS is required, but not for a Unix socket, as the driver of maddy has it;
 * `require` alone checks no certificate. Throws RangeError, or what keeps a certificate from being read.
 */
export const postgresOptions = async (
  dsn: string,
  { path, env = process.env }: Pick<ConnectOptions, 'path' | 'env'>,
): Promise<PostgresOptions> => {
  const parameters = withEnvironment(parseDsn(dsn), env)
  const host = parameters.get('host') ?? parameters.get('hostaddr') ?? 'localhost'
  const local = host.startsWith('/')
  const port = whole(parameters, 'port') ?? 5432
  const user = parameters.get('user') ?? userInfo().username
  const timeout = whole(parameters, 'connect_timeout') ?? 10
  const name = parameters.get('application_name') ?? parameters.get('fallback_application_name') ?? 'tsmaddy'
  const options = sessionOptions(parameters)
  const password = parameters.get('password')
  const mode = sslMode(parameters, local)
  if (parameters.get('target_session_attrs') && parameters.get('target_session_attrs') !== 'any') {
    throw new RangeError('target_session_attrs is not supported: name the server to use')
  }
  return {
    place: local ? `${host}/.s.PGSQL.${port}` : `${host}:${port}`,
    shared: {
      host: local ? host : (parameters.get('hostaddr') ?? host),
      port,
      user,
      database: parameters.get('dbname') ?? user,
      application_name: name,
      connectionTimeoutMillis: (timeout > 0 ? timeout : 60) * 1000, // 0 is for ever, which no login should wait
      keepAlive: parameters.get('keepalives') !== '0',
      ...(password !== undefined && { password }),
      ...(options !== undefined && { options }),
      ...(parameters.get('sslnegotiation') === 'direct' && { sslNegotiation: 'direct' as const }),
      ...(/^(require|prefer)$/.test(parameters.get('channel_binding') ?? '') && { enableChannelBinding: true }),
    },
    attempts: await attempts(mode, parameters, path, host),
  }
}

const whole = (parameters: Parameters, name: string): number | undefined => {
  const written = parameters.get(name)
  if (written === undefined) return undefined
  if (!/^-?\d+$/.test(written)) throw new RangeError(`${name} in the DSN should be a whole number, not ${written}`)
  if (name === 'port' && !(Number(written) >= 1 && Number(written) <= 65_535)) {
    throw new RangeError(`port in the DSN should be from 1 to 65535, not ${written}`)
  }
  return Number(written)
}

const sslMode = (parameters: Parameters, local: boolean): (typeof sslModes)[number] => {
  const written = parameters.get('sslmode') ?? 'require'
  const mode = sslModes.find((each) => each === written)
  if (!mode) throw new RangeError(`sslmode in the DSN is one of ${sslModes.join(', ')}, not ${written}`)
  return local ? 'disable' : mode
}

const attempts = async (
  mode: (typeof sslModes)[number],
  parameters: Parameters,
  path: (written: string) => string,
  host: string,
): Promise<PostgresOptions['attempts']> => {
  if (mode === 'disable') return [false]
  const tls = await tlsOptions(mode, parameters, path, host)
  if (mode === 'allow') return [false, tls]
  return mode === 'prefer' ? [tls, false] : [tls]
}

const tlsOptions = async (
  mode: string,
  parameters: Parameters,
  path: (written: string) => string,
  host: string,
): Promise<ConnectionOptions> => {
  const file = async (name: string): Promise<Buffer | undefined> => {
    const written = parameters.get(name)
    return written && !(name === 'sslrootcert' && written === 'system') ? readFile(path(written)) : undefined
  }
  const [ca, cert, key, crl] = await Promise.all(['sslrootcert', 'sslcert', 'sslkey', 'sslcrl'].map(file))
  const minVersion = (['TLSv1.2', 'TLSv1.3'] as const).find(
    (each) => each === parameters.get('ssl_min_protocol_version'),
  )
  const passphrase = parameters.get('sslpassword')
  const full = mode === 'verify-full'
  return {
    // A root certificate that is given is meant to be used: libpq too then reads require as verify-ca.
    rejectUnauthorized: full || mode === 'verify-ca' || (mode === 'require' && ca !== undefined),
    ...(!full && { checkServerIdentity: () => undefined }),
    ...(parameters.has('hostaddr') && { servername: host }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(crl && { crl }),
    ...(passphrase && { passphrase }),
    ...(minVersion && { minVersion }),
  }
}
