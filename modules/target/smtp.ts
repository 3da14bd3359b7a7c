import { defineModule, Target } from '../../core/index.ts'
import { moreTargets, relayDirectives } from './_smtp/directives.ts'
import { makeRelay } from './_smtp/relay.ts'

export default defineModule({
  name: 'target.smtp',
  doc: 'Hands mail to another server, such as the relay of a provider. With several, the first that can be reached.',
  provides: [Target],
  kept: false, // the files of tls_client may have changed
  inline: moreTargets,
  config: relayDirectives('yes'),
  create: (config, context) => makeRelay('smtp', config, context),
})
