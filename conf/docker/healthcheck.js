// Ends with 0 when the server greets: `healthcheck.js [PORT] [HOST]`, port 25 of this machine unless told otherwise.
//
// It asks nothing of PostgreSQL or S3. While those are away the server tells clients to come back, and goes on by itself
// afterwards; to start it anew would help nobody. GET /health of the REST API looks at them.
import { connect } from 'node:net'

const [port = '25', host = '127.0.0.1'] = process.argv.slice(2)

const unhealthy = (reason) => {
  console.error(reason)
  process.exit(1)
}

let greeting = ''
const socket = connect(Number(port), host)
  .setEncoding('utf8')
  .setTimeout(5_000, () => unhealthy('no greeting within 5 seconds'))
  .on('error', (error) => unhealthy(error.message))
  .on('close', () => unhealthy('the connection ended before a greeting'))
  .on('data', (text) => {
    greeting += text
    if (!greeting.includes('\n')) return
    if (!greeting.startsWith('220 ')) unhealthy(`not a greeting: ${greeting}`)
    socket.end('QUIT\r\n', () => process.exit(0))
  })
