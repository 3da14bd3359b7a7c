import { nstring, string } from '../../../core/kit/imap/format.ts'
import { envelopeOfStored } from '../../../core/kit/message/envelope.ts'
import { encodeParameter } from '../../../core/kit/message/parameters.ts'
import type { Structure } from '../../../core/kit/message/structure.ts'
import { formatEnvelope } from './envelope.ts'
import type { FetchAttribute } from './message.ts'

/** BODYSTRUCTURE (RFC 9051 §7.5.2), and BODY, which is the same without what came later. */
export const bodyStructure: FetchAttribute = {
  needs: { structure: true },
  write: ({ structure }, out) => out.text(`BODYSTRUCTURE ${formatStructure(structure, true)}`),
}

export const body: FetchAttribute = {
  needs: { structure: true },
  write: ({ structure }, out) => out.text(`BODY ${formatStructure(structure, false)}`),
}

const formatStructure = (structure: Structure, extended: boolean): string =>
  structure.Parts && structure.Parts.length > 0
    ? multipart(structure, structure.Parts, extended)
    : leaf(structure, extended)

function multipart(structure: Structure, parts: readonly Structure[], extended: boolean): string {
  const inner = parts.map((part) => formatStructure(part, extended)).join('')
  const more = extended ? ` ${parameters(structure.Params)} ${extension(structure)}` : ''
  return `(${inner} ${string(upper(structure.MIMESubType) || 'MIXED')}${more})`
}

function leaf(structure: Structure, extended: boolean): string {
  const { Params, Id, Description, Encoding, Size, Lines } = structure
  const message = attached(structure, extended)
  const [type, subtype] = mediaType(structure, message !== '')
  const fields = `${parameters(Params)} ${text(Id)} ${text(Description)} ${string(upper(Encoding.trim()) || '7BIT')} ${Size}`
  const lines = message !== '' || type === 'TEXT' ? ` ${Lines}` : ''
  const more = extended ? ` ${text(structure.MD5)} ${extension(structure)}` : ''
  return `(${string(type)} ${string(subtype)} ${fields}${message}${lines}${more})`
}

/** A message that could not be read as one is passed off as octets: its envelope would have to follow. */
function mediaType({ MIMEType, MIMESubType }: Structure, message: boolean): [type: string, subtype: string] {
  const [type, subtype] = [upper(MIMEType) || 'TEXT', upper(MIMESubType) || 'PLAIN']
  return type === 'MESSAGE' && subtype === 'RFC822' && !message ? ['APPLICATION', 'OCTET-STREAM'] : [type, subtype]
}

/** Envelope and structure of the message in a message/rfc822 part. */
function attached({ Envelope, BodyStructure }: Structure, extended: boolean): string {
  if (!Envelope || !BodyStructure) return ''
  return ` ${formatEnvelope(envelopeOfStored(Envelope))} ${formatStructure(BodyStructure, extended)}`
}

/** Disposition, language and location: what follows in both kinds. */
function extension({ Disposition, DispositionParams, Language, Location }: Structure): string {
  const disposition = Disposition ? `(${string(Disposition)} ${parameters(DispositionParams)})` : 'NIL'
  const [only] = Language ?? []
  const language = !only ? 'NIL' : Language?.length === 1 ? string(only) : `(${Language?.map(string).join(' ')})`
  return `${disposition} ${language} ${text(Location?.[0])}`
}

/** In the same order each time. They are kept decoded, but a string with 8 bits is more than most clients bargain for. */
function parameters(params: Structure['Params']): string {
  const pairs = Object.entries(params ?? {}).flatMap(([name, value]) => encodeParameter(name, value).map(string))
  return pairs.length === 0 ? 'NIL' : `(${pairs.join(' ')})`
}

const text = (value: string | undefined): string => nstring(value || null)
const upper = (value: string): string => value.toUpperCase()
