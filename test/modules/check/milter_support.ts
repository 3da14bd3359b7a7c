import type { Envelope, Inspection, Message, Resolver, Verdict } from '../../../core/index.ts'
import { Check } from '../../../core/index.ts'
import { formatAddress, parseAddress } from '../../../core/kit/address/index.ts'
import { bytesOf } from '../../../core/kit/message/index.ts'
import { type ScriptedFilter, type Scripts, scriptedFilter } from '../../kit/milter/filter.ts'
import { instance } from '../../support/server.ts'
import { sampleEnvelope, sampleMessage } from '../../support/target.ts'

export interface Shown {
  readonly envelope?: Envelope
  readonly recipients?: readonly string[]
  readonly message?: Message
}

/** A milter check and the filter that it asks. */
export interface Filtered extends AsyncDisposable {
  readonly check: Check
  readonly filter: ScriptedFilter
  /** Shows one message up to the first refusal, a recipient's aside; what was found at each stage. */
  show(shown?: Shown): Promise<Judged>
  readonly directory: string
}

export interface Judged extends AsyncDisposable {
  readonly inspection: Inspection
  readonly sender: Verdict | undefined
  readonly recipients: readonly (Verdict | undefined)[]
  /** That of the last stage that was reached. */
  readonly verdict: Verdict | undefined
}

/** Aborts never. */
export const never = new AbortController().signal

export const filtered = async (
  scripts: Scripts = {},
  { directives = '', dns }: { readonly directives?: string; readonly dns?: Resolver } = {},
): Promise<Filtered> => {
  await using stack = new AsyncDisposableStack()
  const filter = stack.use(await scriptedFilter(scripts))
  const conf = `check.milter filter {\n endpoint tcp://127.0.0.1:${filter.port}\n ${directives}\n}`
  const made = stack.use(await instance(Check, conf, dns ? { dns } : {}))
  const held = stack.move()
  return {
    check: made.api,
    filter,
    show: (shown) => show(made.api, shown),
    directory: made.directory,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

export const show = async (check: Check, shown: Shown = {}): Promise<Judged> => {
  const { envelope = sampleEnvelope('a@a.example'), recipients = ['b@b.example'], message = sampleMessage() } = shown
  const inspection = check.begin(envelope)
  const judged: (Verdict | undefined)[] = []
  const result = (verdict: Verdict | undefined, sender?: Verdict) => ({
    inspection,
    sender,
    recipients: judged,
    verdict,
    [Symbol.asyncDispose]: async () => inspection[Symbol.asyncDispose]?.(),
  })
  const client = await inspection.connection?.(never)
  if (client?.action === 'reject') return result(client)
  const sender = await inspection.sender?.(envelope.reversePath, never)
  if (sender?.action === 'reject') return result(sender, sender)
  for (const to of recipients) judged.push(await inspection.recipient?.(parseAddress(to), never))
  if (judged.every((each) => each?.action === 'reject')) return result(judged[0], sender)
  return result(await inspection.message?.(message, never), sender)
}

/** `550 5.7.1 text` of a refusal, and the action before it. */
export const said = (verdict: Verdict | undefined): string =>
  verdict?.reason
    ? `${verdict.action} ${verdict.reason.code} ${verdict.reason.enhanced} ${verdict.reason.message}`
    : 'nothing'

/** The message as it goes on: fields on top, header, empty line and body. */
export const outcome = async (verdict: Verdict | undefined, message: Message = sampleMessage()): Promise<string> => {
  const { header, body } = verdict?.edits?.message?.(message) ?? message
  const top = Buffer.concat((verdict?.fields ?? []).map((field) => Buffer.from(field)))
  return `${top}${Buffer.from(header.bytes())}\r\n${await bytesOf(body)}`
}

export const addresses = (list: readonly { readonly local: string; readonly domain: string }[] = []): string[] =>
  list.map(formatAddress)
