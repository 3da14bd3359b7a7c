import { concatBody } from './body.ts'
import type { Body, Message } from './message.ts'

/** A message as one run of octets: its header as it is, an empty line, its body. */
export const contentOf = ({ header, body }: Pick<Message, 'header' | 'body'>): Body =>
  concatBody(Buffer.concat([header.bytes(), Buffer.from('\r\n')]), body)
