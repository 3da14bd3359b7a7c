import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { resolve } from 'node:path'
import { DnsResolver, parseServer } from '../core/kit/dns/index.ts'
import { LoginGuard } from '../core/mail/logins.ts'
import type { ProcessOptions } from '../core/runtime/host.ts'
import type { Source } from '../core/runtime/supervisor.ts'
import type { Call } from './command.ts'
import { UsageError } from './errors.ts'

export const defaultConfig = '/etc/maddy/maddy.conf'

/** The version in package.json, wherever this file has been put. */
export const version = (): string => {
  const file = findPackageJSON('..', import.meta.url)
  const manifest: unknown = file && JSON.parse(readFileSync(file, 'utf8'))
  return manifest && typeof manifest === 'object' && 'version' in manifest ? String(manifest.version) : 'unknown'
}

/** The configuration file a command is about, as it was written. */
export const configFile = ({ options, env }: Call): string =>
  options.text('config') ?? (env.MADDY_CONFIG || defaultConfig)

/** The configuration a command is about. */
export const sourceOf = (call: Call): Source => ({
  path: resolve(configFile(call)),
  env: call.env,
  version: version(),
})

/** What the process brings along, by the options every command takes. Throws UsageError. */
export const processOptions = ({ options }: Call): ProcessOptions => {
  const log = options.list('log').filter((target) => target !== '')
  const override = options.text('debug.dnsoverride')
  return {
    dns: new DnsResolver(override === undefined ? {} : { servers: [dnsServer(override)] }),
    logins: new LoginGuard(),
    log: log.length > 0 ? log : ['stderr'],
    debug: options.flag('debug'),
    startDirectory: process.cwd(),
    libexec: options.text('libexec'),
    smtpPort: portOf(options.text('debug.smtpport')),
  }
}

const dnsServer = (written: string): string => {
  try {
    parseServer(written)
    return written
  } catch (cause) {
    throw new UsageError(`-debug.dnsoverride needs IP:PORT, not ${written}`, { cause })
  }
}

const portOf = (written: string | undefined): number | undefined => {
  if (written === undefined) return undefined
  const port = /^\d{1,5}$/.test(written) ? Number(written) : 0
  if (port < 1 || port > 65_535) throw new UsageError(`expected a port from 1 to 65535, not ${written}`)
  return port
}
