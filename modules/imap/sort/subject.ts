import { decodeHeaderValue } from '../../../core/kit/message/words.ts'

const longest = 1000
const blob = /^\[[^[\]]*\][ \t]*/
const trailer = /(?:[ \t]|\(fwd\))+$/i
const leader = /^(?:\[[^[\]]*\][ \t]*)*(?:re|fwd?)[ \t]*(?:\[[^[\]]*\][ \t]*)?:[ \t]*/i
const forwarded = /^\[fwd:(.*)\]$/is

/** A subject without what replies and forwards add to it (RFC 5256 §2.1), and whether there was any of that. */
export function baseSubject(subject: string): { readonly base: string; readonly reply: boolean } {
  let text = decodeHeaderValue(subject).slice(0, longest).replace(/\s+/g, ' ').trim()
  let reply = false
  for (;;) {
    const before = text
    text = text.replace(trailer, '')
    reply ||= text.length !== before.trimEnd().length
    for (let found = true; found; ) {
      const shorter = text.replace(leader, '')
      const bare = shorter.replace(blob, '')
      found = shorter !== text || (bare !== '' && bare !== shorter)
      reply ||= shorter !== text
      text = bare === '' ? shorter : bare
    }
    const [, inner] = forwarded.exec(text) ?? []
    if (inner === undefined) return { base: text, reply }
    text = inner.trim()
    reply = true
  }
}
