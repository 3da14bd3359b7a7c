import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

/** Accepts every message, and throws it away. Prints its port. */
const server = new SMTPServer({
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  onData(stream, _session, callback) {
    stream.resume()
    stream.on('end', () => callback())
  },
})
server.on('error', () => {}) // of a client that left
const listening = server.listen(0, '127.0.0.1', () => {
  console.log((listening.address() as AddressInfo).port)
})
