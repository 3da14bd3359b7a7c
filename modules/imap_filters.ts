import { defineModule, ImapFilter, ignored, useAll } from '../core/index.ts'

/** Several filters under one name, for more than one storage to use. */
export default defineModule({
  name: 'imap_filters',
  doc: 'A group of filters. The first that names a mailbox decides; the flags of all are put on.',
  provides: [ImapFilter],
  inline: ignored(),
  config: {},
  lines: useAll(ImapFilter),
  create: ({ lines: filters = [] }, { log }) => ({
    async filter(input) {
      let folder: string | undefined
      const flags: string[] = []
      for (const each of filters) {
        try {
          const verdict = await each.filter(input)
          folder ??= verdict.folder
          flags.push(...verdict.flags)
        } catch (error) {
          log.error('IMAP filter failed', error, { msg_id: input.envelope.id, account: input.account })
        }
      }
      return { folder, flags }
    },
  }),
})
