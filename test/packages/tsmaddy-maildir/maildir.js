import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, defineModule, Target, text } from 'tsmaddy'

export default defineModule({
  name: 'target.maildir',
  doc: 'Puts each message into a Maildir, whoever it is for.',
  provides: [Target],
  // `deliver_to maildir PATH` and `target.maildir archive { path PATH }` are both possible.
  inline: text('PATH'),
  config: {
    path: text('PATH').doc('The folder. Relative paths are taken from the state directory.'),
  },
  create({ inline, path = inline }, context) {
    if (path === undefined) throw new ConfigError(context.at, 'target.maildir needs a path')
    const root = context.path(path)
    return {
      // The first place where anything may be touched; `create` only looks at its configuration.
      async start() {
        for (const folder of ['tmp', 'new', 'cur']) await mkdir(join(root, folder), { recursive: true, mode: 0o700 })
      },
      async begin(envelope) {
        return new MaildirDelivery(root, envelope, context.log.with({ msg_id: envelope.id }))
      },
    }
  },
})

/** One message: written to `tmp` when its content comes, moved to `new` when it is to stay. */
class MaildirDelivery {
  #root
  #log
  #name
  #written = false

  constructor(root, { id }, log) {
    this.#root = root
    this.#log = log
    this.#name = `${Date.now()}.${id}.${randomUUID()}`
  }

  /** Throw an SmtpError here to refuse somebody. */
  async recipient() {}

  async message({ header, body }) {
    const file = await open(this.#path('tmp'), 'wx', 0o600)
    this.#written = true
    try {
      await file.write(header.bytes())
      await file.write('\r\n')
      for await (const chunk of body.read()) await file.write(chunk)
      await file.datasync()
    } finally {
      await file.close()
    }
    return new Map() // nobody failed
  }

  /** When this has resolved, the sender is told that the message is safe: so it has to be. */
  async commit() {
    await rename(this.#path('tmp'), this.#path('new'))
    this.#written = false
    const folder = await open(join(this.#root, 'new'))
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
    this.#log.info('stored', { file: this.#name })
  }

  /** Comes last in any case; before a commit it means that nothing may be left. */
  async [Symbol.asyncDispose]() {
    if (this.#written) await rm(this.#path('tmp'), { force: true })
  }

  #path(folder) {
    return join(this.#root, folder, this.#name)
  }
}
