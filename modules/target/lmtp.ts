import { defineModule, Target } from '../../core/index.ts'
import { moreTargets, relayDirectives } from './_smtp/directives.ts'
import { makeRelay } from './_smtp/relay.ts'

export default defineModule({
  name: 'target.lmtp',
  doc: 'Hands mail to a server of mailboxes by LMTP, which tells of each recipient what became of the message.',
  provides: [Target],
  kept: false, // the files of tls_client may have changed
  inline: moreTargets,
  config: relayDirectives('no'),
  create: (config, context) => makeRelay('lmtp', config, context),
})
