import type { Structure } from './structure.ts'

/** What an IMAP part number names. */
export interface PartContent {
  /** `message` has a header and a text of its own, those of `message`; `multipart` and `leaf` have their MIME header only. */
  readonly kind: 'message' | 'multipart' | 'leaf'
  readonly part: Structure
  /** The message itself for no numbers at all, or the one that a message/rfc822 part holds. */
  readonly message: Structure | null
  /** Of the part; undefined when the structure was stored without offsets. */
  readonly At: Structure['At']
}

/**
 * The part that the numbers of an IMAP section name (RFC 9051 §6.4.5.1), through attached messages too; none name the
 * message itself. Undefined when there is no such part.
 */
export function partContent(structure: Structure, path: readonly number[]): PartContent | undefined {
  if (path.length === 0) return { kind: 'message', part: structure, message: structure, At: structure.At }
  let part = structure
  let asMessage = true // a message that is no multipart is its own part 1
  for (const number of path) {
    if (!asMessage && part.BodyStructure) {
      part = part.BodyStructure
      asMessage = true
    }
    const next = part.Parts ? part.Parts[number - 1] : asMessage && number === 1 ? part : undefined
    if (!next) return undefined
    part = next
    asMessage = false
  }
  return contentOf(part)
}

function contentOf(part: Structure): PartContent {
  const message = part.BodyStructure
  const kind = message ? 'message' : part.Parts ? 'multipart' : 'leaf'
  return { kind, part, message, At: part.At }
}
