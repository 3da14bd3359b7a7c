import type { Field, Header } from '../message/message.ts'

/** Which fields a signature covers. Names count once, ignoring case, wherever they are listed. */
export interface FieldNames {
  /** Named once for each field there is, and once more, so that none can be added on the way. */
  readonly oversign: readonly string[]
  /** Named once for each field there is. */
  readonly sign: readonly string[]
}

/** What goes into `h`, and into the hash. */
export interface SignedFields {
  /** As in `h`: in the order of the lists, with their spelling. */
  readonly names: readonly string[]
  /** In the order in which a verifier takes them: of each name the undermost first (RFC 6376 §5.4.2). */
  readonly fields: readonly Field[]
}

/** From has to be signed (RFC 6376 §5.4), and so is named even where the message has none. */
export const needed = 'from'

/** Chooses the fields to sign. */
export function signedFields(header: Header, { oversign, sign }: FieldNames): SignedFields {
  const present = Map.groupBy(header.fields.toReversed(), ({ name }) => name.toLowerCase())
  const names: string[] = []
  const fields: Field[] = []
  const seen = new Set<string>()
  const add = (name: string, more: number) => {
    const key = name.toLowerCase()
    if (seen.has(key)) return
    seen.add(key)
    const found = present.get(key) ?? []
    const times = found.length + more || (key === needed ? 1 : 0)
    for (let time = 0; time < times; time++) names.push(name)
    fields.push(...found)
  }
  for (const name of oversign) add(name, 1)
  for (const name of sign) add(name, 0)
  return { names, fields }
}
