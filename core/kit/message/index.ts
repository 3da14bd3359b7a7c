export { type AddressEntry, parseAddresses } from './address_entries.ts'
export { type AddressList, type Mailbox, parseAddressList } from './address_list.ts'
export { bytesOf, concatBody, fileBody, memoryBody, type SpoolOptions, spoolBody } from './body.ts'
export { cachedHeaderOf } from './cached_header.ts'
export {
  type Description,
  describeBytes,
  describeContent,
  type PartContent,
  partContent,
  shiftStructure,
} from './content.ts'
export { formatDate, parseDate, type Zone } from './date.ts'
export { envelopeOf, envelopeOfStored, type ImapEnvelope, storedEnvelope } from './envelope.ts'
export { foldField } from './fold.ts'
export { HeaderError, lenientHeader, parseHeader, splitMessage } from './header.ts'
export type { Body, Field, Header, Message } from './message.ts'
export { type Parameterised, parseMediaType, parseParameters } from './parameters.ts'
export { HeaderReader, HeaderTooBig, MessageTooBig, type ReadOptions, readMessage } from './read.ts'
export type { CachedHeader, Envelope, EnvelopeAddress, Structure } from './structure.ts'
export { cachedHeaderFromJson, cachedHeaderToJson, structureFromJson, structureToJson } from './structure_json.ts'
export { decodeHeaderValue, searchableText } from './text.ts'
export { contentOf } from './whole.ts'
