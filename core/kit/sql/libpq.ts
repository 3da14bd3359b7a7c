/** Connection parameters by the names they have in PostgreSQL's own documentation (libpq, "Parameter Key Words"). */
export type Parameters = ReadonlyMap<string, string>

/**
 * Reads a connection string of PostgreSQL: `host=… user='…'`, or `postgres://user:password@host:port/database?…`. Throws
 * RangeError, which never shows the password.
 */
export const parseDsn = (dsn: string): Parameters => {
  const found = /^postgres(ql)?:\/\//i.test(dsn) ? fromUrl(dsn) : fromKeywords(dsn)
  for (const name of ['host', 'hostaddr', 'port']) {
    if (found.get(name)?.includes(',')) throw new RangeError(`${name} names several servers; one is supported`)
  }
  if (found.has('service')) throw new RangeError('service files are not supported; give host, user and dbname instead')
  return found
}

/** `name = value` in a row; a value may stand in single quotes, and a backslash takes the special meaning from what follows. */
const pair =
  /\s*([^\s=]+)\s*=\s*(?:'((?:[^'\\]|\\[\s\S])*)'(?=\s|$)|((?:[^\s'\\]|\\[\s\S])(?:[^\s\\]|\\[\s\S])*)?(?=\s|$))/y

const fromKeywords = (dsn: string): Map<string, string> => {
  const found = new Map<string, string>()
  const end = dsn.trimEnd().length
  for (pair.lastIndex = 0; pair.lastIndex < end; ) {
    const from = pair.lastIndex
    const [, name, quoted, bare = ''] = pair.exec(dsn) ?? []
    if (name === undefined) {
      const [word = ''] = /[^\s=]+/.exec(dsn.slice(from)) ?? []
      throw new RangeError(`the DSN should be name=value in a row; this cannot be read from ${JSON.stringify(word)} on`)
    }
    found.set(name, (quoted ?? bare).replace(/\\([\s\S])/g, '$1'))
  }
  return found
}

const fromUrl = (dsn: string): Map<string, string> => {
  const [, userinfo, authority = '', database = '', query = ''] =
    /^[a-z]+:\/\/(?:([^/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(dsn) ?? []
  const [, host, port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(authority) ?? []
  if (host === undefined) throw new RangeError('the DSN should be postgres://USER:PASSWORD@HOST:PORT/DATABASE')
  const [, user, password] = /^([^:]*)(?::(.*))?$/s.exec(userinfo ?? '') ?? []
  const found = new Map<string, string>()
  const set = (name: string, written: string | undefined): void => {
    if (written) found.set(name, decoded(written, name))
  }
  set('host', host.replace(/^\[(.*)\]$/, '$1'))
  set('port', port)
  set('dbname', database)
  set('user', user)
  set('password', password)
  for (const each of query.split('&')) {
    if (each === '') continue
    const [, name = '', written = ''] = /^([^=]*)=?(.*)$/s.exec(each) ?? []
    if (name === 'ssl' && written === 'true') set('sslmode', 'require')
    else set(decoded(name, 'a parameter'), written)
  }
  return found
}

const decoded = (written: string, name: string): string => {
  try {
    return decodeURIComponent(written)
  } catch (cause) {
    throw new RangeError(`${name} in the DSN has a % that begins no character code`, { cause })
  }
}

/** The environment's words for what a DSN leaves out. */
const variables: Readonly<Record<string, string>> = {
  host: 'PGHOST',
  hostaddr: 'PGHOSTADDR',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  options: 'PGOPTIONS',
  application_name: 'PGAPPNAME',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslcrl: 'PGSSLCRL',
  sslnegotiation: 'PGSSLNEGOTIATION',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
}

/** What a DSN leaves out, as the environment has it. */
export const withEnvironment = (given: Parameters, env: Readonly<Record<string, string | undefined>>): Parameters => {
  const all = new Map(given)
  for (const [name, variable] of Object.entries(variables)) {
    const value = env[variable]
    if (value && !all.has(name)) all.set(name, value)
  }
  return all
}

/** Those that say how to connect, and are not for the server; some of them have no meaning here. */
const ours = new Set([
  ...Object.keys(variables),
  ...(`
    fallback_application_name sslpassword passfile channel_binding client_encoding sslsni replication sslcompression
    sslcrldir sslcertmode requirepeer gssencmode gsslib gssdelegation krbsrvname keepalives keepalives_idle
    keepalives_interval keepalives_count tcp_user_timeout target_session_attrs load_balance_hosts require_auth
    ssl_max_protocol_version min_protocol_version max_protocol_version binary_parameters disable_prepared_binary_result
  `.match(/\S+/g) ?? []),
])

/**
 * `options` for the server: those given, and every parameter that is no business of the client, such as `search_path`,
 * which drivers for Go hand on as a setting of the session.
 */
export const sessionOptions = (parameters: Parameters): string | undefined => {
  const given = parameters.get('options')
  const settings = [...parameters]
    .filter(([name]) => !ours.has(name))
    .map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, '\\$&')}`)
  const all = [...(given ? [given] : []), ...settings]
  return all.length > 0 ? all.join(' ') : undefined
}
