import { defineModule, Endpoint, pipelineDirectives } from '../core/index.ts'
import { listen, lmtpDirectives } from './_smtp/directives.ts'
import { makeEndpoint } from './_smtp/endpoint.ts'

export default defineModule({
  name: 'lmtp',
  doc: 'Receives mail from other mail systems of this machine, with a result for each recipient.',
  provides: [Endpoint],
  inline: listen,
  config: { ...lmtpDirectives, ...pipelineDirectives },
  create: (config, context) => makeEndpoint('lmtp', config, context),
})
