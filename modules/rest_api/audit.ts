import type { Logger } from '../../core/index.ts'

/** Who changes something, for the record. */
export interface Author {
  readonly admin: string
  readonly ip: string | null
  readonly requestId: string
}

/** Keeps a record of changes: what, to whom, by whom. Passwords are not in it. */
export class Audit {
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log.part('audit')
  }

  changed(what: string, fields: Readonly<Record<string, unknown>>, { admin, ip, requestId }: Author): void {
    this.#log.info(what, { ...fields, by: admin, src_ip: ip ?? '', request_id: requestId })
  }
}
