import type { IncomingMessage } from 'node:http'
import type { RequestContext } from './context.ts'
import { ApiError } from './errors.ts'
import { parseExactly } from './json.ts'

/** The largest body; bytes. */
export const bodyLimitBytes = 64 * 1024

export const tooLarge = (limit: number): ApiError => new ApiError(413, `A body may have ${limit} bytes`)

/** A body that has been read. */
export interface JsonBody {
  /** For validation: every number is a number. */
  readonly rounded: unknown
  /** Whole numbers that a number cannot hold are bigints. */
  readonly exact: unknown
}

/** Reads a body of JSON. Throws ApiError 400, 413, 415. */
export const readJson = async (ctx: RequestContext): Promise<JsonBody> => {
  const octets = await readAll(ctx.req)
  const [type = ''] = ctx.get('Content-Type').split(';')
  const coded = !['', 'identity'].includes(ctx.get('Content-Encoding').toLowerCase())
  if (type.trim().toLowerCase() !== 'application/json' && !(type === '' && octets.length === 0)) {
    throw new ApiError(415, 'The body has to be application/json')
  }
  if (coded) throw new ApiError(415, 'The body has to be sent as it is, without a Content-Encoding')
  if (octets.length === 0) throw new ApiError(400, 'The body is missing')
  return parse(octets)
}

const readAll = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let size = 0
  // Not to be destroyed when it is too large: the answer goes the same way. What comes after that is not kept.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += chunk.length
    if (size <= bodyLimitBytes) chunks.push(chunk)
    else break
  }
  if (size <= bodyLimitBytes) return Buffer.concat(chunks)
  request.resume()
  throw tooLarge(bodyLimitBytes)
}

const parse = (octets: Buffer): JsonBody => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(octets)
    return { rounded: JSON.parse(text), exact: parseExactly(text) }
  } catch (cause) {
    throw new ApiError(400, 'The body is no JSON', { cause })
  }
}
