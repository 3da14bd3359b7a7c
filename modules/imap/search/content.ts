import { bytesOf } from '../../../core/kit/message/body.ts'
import { cachedName } from '../../../core/kit/message/cached_header.ts'
import { describeContent } from '../../../core/kit/message/content.ts'
import { lenientHeader } from '../../../core/kit/message/header.ts'
import type { Body, Header } from '../../../core/kit/message/message.ts'
import type { Structure } from '../../../core/kit/message/structure.ts'
import { searchableText } from '../../../core/kit/message/text.ts'
import type { Candidate, SearchKey } from './key.ts'
import { fold, foldHeader } from './text.ts'

/** A field that contains a string; with an empty string, a field that is there at all. */
export function field(name: string, sought: string): SearchKey {
  const cached = cachedName(name)
  const folded = fold(sought)
  const found = (values: readonly string[]): boolean => values.some((value) => foldHeader(value).includes(folded))
  if (cached !== undefined) return { cost: 'header', matches: ({ header }) => found(header?.[cached] ?? []) }
  return {
    cost: 'content',
    async matches(candidate) {
      const opened = await open(candidate)
      return opened !== undefined && found((await headerOf(opened)).all(name))
    },
  }
}

/** A text part that contains a string, once decoded. */
export function bodyText(sought: string): SearchKey {
  const folded = fold(sought)
  return {
    cost: 'content',
    async matches(candidate) {
      const opened = await open(candidate)
      return opened !== undefined && (await inBody(opened, folded))
    },
  }
}

/** As `bodyText`, or the header contains it. */
export function anyText(sought: string): SearchKey {
  const folded = fold(sought)
  return {
    cost: 'content',
    async matches(candidate) {
      const opened = await open(candidate)
      if (!opened) return false
      for (const { name, value } of (await headerOf(opened)).fields) {
        if (foldHeader(`${name}: ${value}`).includes(folded)) return true
      }
      return inBody(opened, folded)
    },
  }
}

interface Opened {
  readonly content: Body
  readonly structure: Structure
}

/** The content of a message and where its parts are; undefined when it cannot be read. */
async function open(candidate: Candidate): Promise<Opened | undefined> {
  const content = await candidate.content()
  if (!content) return undefined
  const { structure } = candidate
  if (structure?.At && structure.At[2] === content.size) return { content, structure }
  return { content, structure: (await describeContent(content)).structure }
}

async function headerOf({ content, structure }: Opened): Promise<Header> {
  return lenientHeader(await bytesOf(content, 0, structure.At?.[1] ?? content.size))
}

async function inBody({ content, structure }: Opened, folded: string): Promise<boolean> {
  if (folded === '') return true
  for await (const text of searchableText(content, structure)) if (fold(text).includes(folded)) return true
  return false
}
