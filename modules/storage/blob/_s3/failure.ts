import { BlobUnavailable } from '../../../../core/index.ts'

/** What the SDK puts on its errors. */
interface Fields {
  readonly code?: unknown
  readonly Region?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string | undefined>> }
}

const fieldsOf = (error: unknown): Fields => (typeof error === 'object' && error !== null ? error : {})

/** The HTTP status that the store answered with; undefined when it gave no answer. */
export const statusOf = (error: unknown): number | undefined => fieldsOf(error).$metadata?.httpStatusCode

/** There is no object of that name. That there is no bucket is another matter. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'NoSuchKey' || (statusOf(error) === 404 && error.name === 'NotFound'))

/** The upload has been ended before, in one way or the other. */
export const isEnded = (error: unknown): boolean => error instanceof Error && error.name === 'NoSuchUpload'

/** The object has no byte there (RFC 9110 §15.5.17). */
export const isBeyondEnd = (error: unknown): boolean => statusOf(error) === 416

/** The store does not know the request at all, or not in that form. */
export const isUnknownRequest = (error: unknown): boolean => [400, 405, 411, 501].includes(statusOf(error) ?? 0)

/** The region that the store says a bucket is in. */
export const regionTold = (error: unknown): string | undefined => {
  const { $response, Region } = fieldsOf(error)
  return $response?.headers?.['x-amz-bucket-region'] ?? (typeof Region === 'string' ? Region : undefined)
}

/** What went wrong, for an administrator. */
export const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  const status = statusOf(error)
  const text = error.message === '' || error.message === 'UnknownError' ? '' : `: ${error.message}`
  const name = error.name === 'Error' ? '' : error.name
  if (name === '') return error.message
  return `${name}${text}${status === undefined ? '' : ` (HTTP ${status})`}`
}

/** An error of the store as others are to see it: an outage, which says nothing of the content. */
export const unavailable = (doing: string, cause: unknown): BlobUnavailable =>
  new BlobUnavailable(`${doing}: ${reasonOf(cause)}`, {
    cause,
    ...(statusOf(cause) === 507 && { code: 'ENOSPC' as const }),
  })
