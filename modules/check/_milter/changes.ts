import type { Address, Body, Header, Message, Verdict } from '../../../core/index.ts'
import { parseAddress, sameAddress } from '../../../core/kit/address/index.ts'
import type { SpoolOptions } from '../../../core/kit/message/index.ts'
import { type Change, MilterError } from '../../../core/kit/milter/index.ts'
import { HeaderDraft } from './header_draft.ts'
import { NewBody } from './new_body.ts'

export interface Limits {
  readonly spool: SpoolOptions
  /** Of a new body, in bytes. */
  readonly maxBodySize: number
}

/** Gathers what a filter wants changed about a message. Has to be disposed of when the message is done with. */
export class Changes implements AsyncDisposable {
  /** Why the message is fit for Junk only; empty when the filter did not say. */
  quarantine: string | undefined
  readonly #limits: Limits
  readonly #draft: HeaderDraft
  #body: NewBody | undefined
  #sender: Address | null | undefined
  #add: Address[] = []
  readonly #remove: Address[] = []

  constructor(header: Header, leadingSpace: boolean, limits: Limits) {
    this.#draft = new HeaderDraft(header, leadingSpace)
    this.#limits = limits
  }

  /** Throws MilterError for what makes no sense. */
  async apply(change: Change): Promise<void> {
    switch (change.kind) {
      case 'body':
        this.#body ??= new NewBody(this.#limits.spool, this.#limits.maxBodySize)
        return await this.#body.add(change.bytes)
      case 'quarantine':
        this.quarantine = change.reason
        return
      case 'sender':
        this.#sender = addressOf(change.address)
        return
      case 'addRecipient':
        this.#add.push(recipientOf(change.address))
        return
      case 'deleteRecipient': {
        const gone = recipientOf(change.address)
        this.#add = this.#add.filter((each) => !sameAddress(each, gone))
        this.#remove.push(gone)
        return
      }
      default:
        this.#draft.apply(change)
    }
  }

  /** The part of the verdict that changes the message; empty when nothing does. */
  async verdict(): Promise<Pick<Verdict, 'fields' | 'edits'>> {
    const body = await this.#body?.end()
    const header = this.#draft.edit()
    const { fields } = this.#draft
    const edits = {
      ...((body || header) && { message: (message: Message) => edited(message, body, header) }),
      ...(this.#sender !== undefined && { reversePath: this.#sender }),
      ...(this.#add.length > 0 && { add: this.#add }),
      ...(this.#remove.length > 0 && { remove: this.#remove }),
    }
    return { ...(fields.length > 0 && { fields }), ...(Object.keys(edits).length > 0 && { edits }) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#body?.[Symbol.asyncDispose]()
  }
}

const edited = (message: Message, body: Body = message.body, header?: (header: Header) => Header): Message => ({
  ...message,
  body,
  header: header ? header(message.header) : message.header,
})

/** Null is `<>`. */
const addressOf = (written: string): Address | null => {
  const bare = written.trim().replace(/^<(.*)>$/s, '$1')
  if (bare === '') return null
  try {
    return parseAddress(bare)
  } catch (cause) {
    throw new MilterError('the filter sent an address that is none', { cause })
  }
}

const recipientOf = (written: string): Address => {
  const address = addressOf(written)
  if (!address) throw new MilterError('the filter sent an empty recipient')
  return address
}
