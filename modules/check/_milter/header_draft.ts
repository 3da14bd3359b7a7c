import type { Header } from '../../../core/index.ts'
import { type Change, MilterError } from '../../../core/kit/milter/index.ts'

type HeaderChange = Extract<Change, { readonly name: string }>

/** A field of the draft. */
interface Entry {
  readonly key: string
  raw: Uint8Array
  /** The bytes of the field that it is, or has taken the place of; undefined for a new one. */
  readonly original: Uint8Array | undefined
  /** Was added without a place: it stands on top here, but filters count it last. */
  readonly added: boolean
}

/** A header on its way through the changes of a filter. */
export class HeaderDraft {
  readonly #header: Header
  readonly #leadingSpace: boolean
  /** Top to bottom. */
  readonly #entries: Entry[]

  /** `leadingSpace` says whether values come with the blank after the colon. */
  constructor(header: Header, leadingSpace: boolean) {
    this.#header = header
    this.#leadingSpace = leadingSpace
    this.#entries = header.fields.map(({ name, raw }) => ({
      key: name.toLowerCase(),
      raw,
      original: raw,
      added: false,
    }))
  }

  /** Throws MilterError when the name is none that a field could have. */
  apply(change: HeaderChange): void {
    switch (change.kind) {
      case 'addHeader':
        this.#insert(0, change, true)
        break
      case 'insertHeader':
        // The trace of the server itself counts as the first field, and is not there yet.
        this.#insert(Math.max(change.index - 1, 0), change, false)
        break
      case 'changeHeader':
        this.#change(change)
    }
  }

  #insert(at: number, change: HeaderChange, added: boolean): void {
    const raw = this.#field(change)
    this.#entries.splice(at, 0, { key: change.name.toLowerCase(), raw, original: undefined, added })
  }

  /** An empty value deletes; a field that there is not is added (smfi_chgheader). */
  #change(change: Extract<HeaderChange, { readonly kind: 'changeHeader' }>): void {
    const key = change.name.toLowerCase()
    const same = this.#entries.filter((entry) => entry.key === key)
    const counted = [...same.filter(({ added }) => !added), ...same.filter(({ added }) => added).reverse()]
    const entry = counted[Math.max(change.index, 1) - 1]
    const raw = this.#field(change)
    if (change.value.length > 0 && entry) entry.raw = raw
    else if (change.value.length > 0) this.#insert(0, change, true)
    else if (entry) this.#entries.splice(this.#entries.indexOf(entry), 1)
  }

  /** What stands on top of the first field that was there before. */
  get fields(): readonly Uint8Array[] {
    return this.#entries.slice(0, this.#top).map(({ raw }) => raw)
  }

  /**
   * Does the rest to a header: that of the message, which other checks may have changed meanwhile, so that fields are known
   * again by their very bytes. Undefined when there is nothing to do.
   */
  edit(): ((header: Header) => Header) | undefined {
    const rest = this.#entries.slice(this.#top)
    const before = this.#header.fields
    if (rest.length === before.length && rest.every(({ original, raw }) => raw === original)) {
      return undefined
    }
    const shown = new Set<Uint8Array>(before.map(({ raw }) => raw))
    const instead = new Map<Uint8Array, Uint8Array[]>()
    let next: Uint8Array[] = []
    for (const { raw, original } of rest) {
      next.push(raw)
      if (!original) continue
      instead.set(original, next)
      next = []
    }
    return (header) => {
      const kept = header.fields.flatMap(({ raw }) => instead.get(raw) ?? (shown.has(raw) ? [] : [raw]))
      return header.without(() => true).prepend(...kept, ...next)
    }
  }

  get #top(): number {
    const first = this.#entries.findIndex(({ original }) => original)
    return first < 0 ? this.#entries.length : first
  }

  /** A whole field. What would end it before its time is folded: a value cannot smuggle in another field. */
  #field({ name, value }: HeaderChange): Buffer {
    if (!/^[!-9;-~]+$/.test(name)) throw new MilterError('the filter wants a header field without a proper name')
    const [first = '', ...folded] = value
      .toString('latin1')
      .replace(/\r+(?=\n|$)/g, '')
      .replaceAll('\r', ' ')
      .split('\n')
    const lines = folded.filter((line) => /[^ \t]/.test(line)).map((line) => (/^[ \t]/.test(line) ? line : `\t${line}`))
    const colon = this.#leadingSpace ? ':' : ': '
    return Buffer.from(`${[`${name}${colon}${first}`, ...lines].join('\r\n')}\r\n`, 'latin1')
  }
}
