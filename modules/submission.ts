import { defineModule, Endpoint, pipelineDirectives } from '../core/index.ts'
import { listen, submissionDirectives } from './_smtp/directives.ts'
import { makeEndpoint } from './_smtp/endpoint.ts'

export default defineModule({
  name: 'submission',
  doc: 'Takes mail from users who have logged in, and completes its header where something is missing.',
  provides: [Endpoint],
  inline: listen,
  config: { ...submissionDirectives, ...pipelineDirectives },
  create: (config, context) => makeEndpoint('submission', config, context),
})
