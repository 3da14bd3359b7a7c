import { defineModule, flag, Pipeline, pipelineDirectives, Target, text } from '../core/index.ts'

export default defineModule({
  name: 'msgpipeline',
  doc: 'Routing with a name, so that several endpoints can share it.',
  provides: [Target],
  config: {
    hostname: text().inherit().required().doc('The name under which checks speak for this server.'),
    debug: flag().inherit().default('no').doc('Verbose log.'),
    ...pipelineDirectives,
  },
  create: (config, { at, log, dns, counters }) =>
    new Pipeline(config, { hostname: config.hostname, log, dns, counters, at }),
})
