import type { Command, Group } from './command.ts'

interface Listed {
  /** For the list of commands. */
  readonly doc: string
  /** Commands are loaded one by one, as they are needed: `check` and `--help` are to be quick. */
  load(): Promise<Command | Group>
}

/** Every command, in the order of the list in help. */
export const commands: Readonly<Record<string, Listed>> = {
  run: { doc: 'Run the server.', load: async () => (await import('./run.ts')).run },
  check: {
    doc: 'Check the configuration (also: verify-config).',
    load: async () => (await import('./check.ts')).check,
  },
  reload: {
    doc: 'Make the running server take over the configuration.',
    load: async () => (await import('./reload.ts')).reload,
  },
  manual: {
    doc: 'Show the reference of modules and directives.',
    load: async () => (await import('./manual.ts')).manual,
  },
  creds: { doc: 'Manage who may log in.', load: async () => (await import('./creds.ts')).creds },
  'imap-acct': {
    doc: 'Manage the accounts that mail is kept for.',
    load: async () => (await import('./imap_acct.ts')).imapAcct,
  },
  'imap-mboxes': {
    doc: 'Manage the mailboxes of an account.',
    load: async () => (await import('./imap_mboxes.ts')).imapMboxes,
  },
  'imap-msgs': {
    doc: 'Manage the messages of a mailbox.',
    load: async () => (await import('./imap_msgs.ts')).imapMsgs,
  },
  blobs: {
    doc: 'Look after the store of message bodies.',
    load: async () => (await import('./blobs.ts')).blobs,
  },
  hash: { doc: 'Print what a password is kept as.', load: async () => (await import('./hash.ts')).hash },
  version: { doc: 'Show the version and the default paths.', load: async () => (await import('./version.ts')).version },
  start: { doc: 'Run the server to try it out.', load: async () => (await import('./start.ts')).start },
}

/** Other names: those of maddy. */
export const aliases: Readonly<Record<string, string>> = { 'verify-config': 'check' }

export const isGroup = (entry: Command | Group): entry is Group => 'commands' in entry
