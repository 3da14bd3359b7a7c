import { defineModule, Endpoint, pipelineDirectives } from '../core/index.ts'
import { listen, smtpDirectives } from './_smtp/directives.ts'
import { makeEndpoint } from './_smtp/endpoint.ts'

export default defineModule({
  name: 'smtp',
  doc: 'Receives mail from other servers.',
  provides: [Endpoint],
  inline: listen,
  config: { ...smtpDirectives, ...pipelineDirectives },
  create: (config, context) => makeEndpoint('smtp', config, context),
})
