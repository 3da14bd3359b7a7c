import { ImapError } from '../../../core/kit/imap/error.ts'
import { type Command, loggedIn } from '../command.ts'

/** COMPRESS DEFLATE (RFC 4978). The OK is the last line that is not compressed. */
export const compress: Command = {
  name: 'COMPRESS',
  states: loggedIn,
  async run(session, args) {
    const method = args.keyword('a method')
    args.end()
    if (method !== 'DEFLATE') throw new ImapError('BAD', undefined, 'Unknown compression method')
    if (session.compressed) throw new ImapError('NO', 'COMPRESSIONACTIVE', 'Compression is already active')
    return { afterwards: () => session.transport.compress() }
  },
}
