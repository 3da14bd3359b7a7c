/**
 * The MIME structure of a message as it is stored beside it, in the shape of maddy's `msgs.bodystructure` (JSON), with
 * one key of our own, `At`, that other readers pass over.
 */
export interface Structure {
  readonly MIMEType: string
  readonly MIMESubType: string
  readonly Params: Readonly<Record<string, string>> | null
  readonly Id: string
  readonly Description: string
  readonly Encoding: string
  /** Bytes of the body as encoded; 0 for multipart. */
  readonly Size: number
  readonly Parts: readonly Structure[] | null
  /** Of message/rfc822 only. */
  readonly Envelope: Envelope | null
  readonly BodyStructure: Structure | null
  readonly Lines: number
  readonly Extended: boolean
  readonly Disposition: string
  readonly DispositionParams: Readonly<Record<string, string>> | null
  readonly Language: readonly string[] | null
  readonly Location: readonly string[] | null
  readonly MD5: string
  /** Offsets in the stored message, in bytes: where the part's header starts, where its body starts, where it ends. */
  readonly At?: readonly [header: number, body: number, end: number]
}

/** The envelope of an attached message, as maddy stores it. */
export interface Envelope {
  readonly Date: string
  readonly Subject: string
  readonly From: readonly EnvelopeAddress[] | null
  readonly Sender: readonly EnvelopeAddress[] | null
  readonly ReplyTo: readonly EnvelopeAddress[] | null
  readonly To: readonly EnvelopeAddress[] | null
  readonly Cc: readonly EnvelopeAddress[] | null
  readonly Bcc: readonly EnvelopeAddress[] | null
  readonly InReplyTo: string
  readonly MessageId: string
}

export interface EnvelopeAddress {
  readonly PersonalName: string
  readonly AtDomainList: string
  readonly MailboxName: string
  readonly HostName: string
}

/** Selected fields, by canonical name, values unfolded and trimmed, top to bottom: maddy's `msgs.cachedheader`. */
export type CachedHeader = Readonly<Record<string, readonly string[]>>
