import {
  Check,
  ConfigError,
  type Context,
  checkDirectives,
  defineModule,
  duration,
  type EndpointAddress,
  endpoint,
  flag,
  openBuffer,
  size,
  socketPath,
  text,
} from '../../core/index.ts'
import type { SpoolOptions } from '../../core/kit/message/index.ts'
import type { MilterAddress } from '../../core/kit/milter/index.ts'
import { Filtering } from './_milter/filtering.ts'

/** A new body goes to a file from this size on; bytes. */
const memoryLimit = 1024 ** 2

/** So much longer than the check itself waits, so that `fail_open` decides about a filter that is late; milliseconds. */
const margin = 1_000

const address = () =>
  endpoint().map((written) => {
    if (written.scheme === 'tls') throw new RangeError('filters are reached by tcp:// or unix://, not by tls://')
    if (written.scheme === 'tcp' && written.port === 0) throw new RangeError('no filter can listen on port 0')
    return written
  })

export default defineModule({
  name: 'check.milter',
  doc: 'Shows mail to a filter that speaks the milter protocol of Sendmail (version 6), and does what it says.',
  provides: [Check],
  inline: address(),
  config: {
    endpoint: address().doc(
      'Where the filter listens: tcp://HOST:PORT or unix:///PATH. May stand after the name, too.',
    ),
    fail_open: flag()
      .default('no')
      .doc('Lets mail pass when the filter cannot be reached, is silent or breaks off; it is deferred otherwise.'),
    hostname: text('NAME').inherit().doc('The name of this server as the filter is told it.'),
    io_timeout: duration()
      .default('10s')
      .doc(
        'How long connecting may take, and each word to and from the filter; 0 for as long as it takes. Signs of life start it anew.',
      ),
    max_body_size: size().default('64M').doc('The largest body that the filter may put in the place of another.'),
    debug: flag().inherit().default('no').doc('Verbose log.'),
    ...checkDirectives,
  },
  create(config, context) {
    const { fail_open, hostname, io_timeout, max_body_size, timeout } = config
    const written = config.endpoint ?? config.inline
    if (!written) throw new ConfigError(context.at, 'milter needs an endpoint such as tcp://127.0.0.1:8890')
    let spool: SpoolOptions
    return {
      name: 'milter',
      timeout: timeout > 0 ? timeout + margin : 0,
      async start() {
        spool = await openBuffer({ mode: 'auto', memoryLimit, directory: undefined }, context)
      },
      begin(envelope) {
        // Bounces and the like, which no client brought, are not for filters.
        if (envelope.origin.protocol === null) return {}
        const filter = {
          name: written.text,
          address: reachedBy(written, context),
          ioTimeout: io_timeout,
          stageTimeout: timeout,
          failOpen: fail_open,
          hostname,
          dns: context.dns,
          log: context.log,
          spool,
          maxBodySize: max_body_size,
        }
        return new Filtering(filter, envelope)
      },
    }
  },
})

const reachedBy = (written: EndpointAddress, { directories }: Context): MilterAddress =>
  written.scheme === 'unix'
    ? { path: socketPath(written, directories.runtime) }
    : { host: written.host || 'localhost', port: written.port }
