import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import type { Modifier } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import type { Message } from '../../../core/kit/message/index.ts'
import { sampleEnvelope, sampleMessage } from '../../support/target.ts'

/** What a modifier makes of a message from that sender; `''` is the null one. */
export const modify = async (
  modifier: Modifier,
  from: string,
  { header, body, smtputf8 = false }: { header?: string; body?: string; smtputf8?: boolean } = {},
): Promise<Message> => {
  const modification = modifier.begin({ ...sampleEnvelope(''), smtputf8 })
  await modification.sender?.(from === '' ? null : parseAddress(from))
  const message = sampleMessage(header, body)
  return (await modification.message?.(message)) ?? message
}

/** The tags of each DKIM-Signature field, top to bottom, without white space. */
export const signatures = ({ header }: Pick<Message, 'header'>): Record<string, string>[] =>
  header.all('DKIM-Signature').map((value) =>
    Object.fromEntries(
      value.split(';').map((tag) => {
        const [name = '', ...rest] = tag.split('=')
        return [name.trim(), rest.join('=').replace(/\s/g, '')]
      }),
    ),
  )

/** The only signature. */
export const signature = (message: Pick<Message, 'header'>): Record<string, string> => {
  const [only, another] = signatures(message)
  assert.ok(only && !another, 'there is exactly one signature')
  return only
}

type Verify = (
  message: Buffer,
  options: { resolver: (name: string) => Promise<string[][]> },
) => Promise<{ readonly results: readonly { readonly status: { readonly result: string } }[] }>

const { dkimVerify } = createRequire(import.meta.url)('mailauth/lib/dkim/verify.js') as { dkimVerify: Verify }

/** What another implementation says of each signature, where DNS has these TXT records. */
export const verify = async (content: Buffer, records: Readonly<Record<string, string>>): Promise<string[]> => {
  const resolver = async (name: string) => {
    const record = records[name]
    if (record === undefined) throw Object.assign(new Error(`no ${name}`), { code: 'ENOTFOUND' })
    return [[record]]
  }
  return (await dkimVerify(content, { resolver })).results.map(({ status }) => status.result)
}

/** A message as one run of bytes. */
export const bytesOfMessage = async ({ header, body }: Message): Promise<Buffer> =>
  Buffer.concat([header.bytes(), Buffer.from('\r\n'), ...(await Array.fromAsync(body.read()))])
