import { Pace } from './pace.js'

const base = new URL('../../', import.meta.url)

/** How often a request is sent again that the server had no time for, and the longest wait for that; seconds. */
const tries = 6
const patience = 5

/** What the server refused. `status` is 0 when it did not answer at all. */
export class ApiError extends Error {
  /** @override */
  name = 'ApiError'

  /**
   * @param {number} status
   * @param {{ message?: string, requestId?: string, errors?: readonly FieldError[] }} body
   * @param {number} [retryAfter] seconds
   *
   * @typedef {{ field: string, rule: string, message: string }} FieldError
   */
  constructor(status, body, retryAfter) {
    super(explanations[status]?.(body.message ?? '', retryAfter) ?? otherwise(status, body))
    this.status = status
    this.requestId = body.requestId
    this.errors = body.errors ?? []
  }
}

/** @param {number | undefined} seconds */
const soon = (seconds) => {
  if (seconds === undefined) return 'in a moment'
  return seconds === 1 ? 'in a second' : `in ${seconds} seconds`
}

/** @type {Readonly<Record<number, (message: string, retryAfter: number | undefined) => string>>} */
const explanations = {
  0: () => 'The server does not answer. Is it running, and is this device connected?',
  401: () => 'The e-mail address or the password is wrong.',
  403: (message) => `The server refused this: ${message || 'forbidden'}.`,
  404: () => 'There is no such thing any more. Somebody may have deleted it meanwhile.',
  429: (message, retryAfter) => `${message || 'Too many requests'}. Try again ${soon(retryAfter)}.`,
  501: (message) => `${message || 'This server cannot do that'}.`,
  503: (_, retryAfter) => `The server cannot reach its database right now. Try again ${soon(retryAfter)}.`,
}

/**
 * @param {number} status
 * @param {{ message?: string, requestId?: string }} body
 */
const otherwise = (status, { message = '', requestId }) => {
  if (status < 500) return message === '' ? `The server refused this (${status}).` : `${message}.`
  return `Something went wrong on the server${requestId ? `; its log has more about request ${requestId}` : ''}.`
}

/**
 * The API of the server, asked as one administrator. The password is here, and nowhere else, until `close`.
 */
export class Api {
  /** Called when the server no longer takes the password. */
  onUnauthorized = () => {}
  #authorization
  #csrf = ''
  #pace = new Pace()
  #closing = new AbortController()

  /**
   * @param {string} email
   * @param {string} password
   */
  constructor(email, password) {
    const octets = new TextEncoder().encode(`${email}:${password}`)
    this.#authorization = `Basic ${btoa(Array.from(octets, (octet) => String.fromCharCode(octet)).join(''))}`
  }

  close() {
    this.#authorization = ''
    this.#closing.abort()
  }

  /**
   * Resolves to the body of the answer, numbers exact; undefined when it has none. Throws ApiError, and AbortError after
   * `close` or when `signal` aborts.
   *
   * @param {string} method
   * @param {string} path what follows the address of the server, encoded
   * @param {{ body?: unknown, background?: boolean, signal?: AbortSignal }} [options]
   * @returns {Promise<any>}
   */
  async request(method, path, { body, background = false, signal } = {}) {
    const given = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal
    for (let attempt = 1; ; attempt++) {
      await this.#pace.turn({ background, signal: given })
      const response = await this.#send(method, path, body, given)
      const retryAfter = secondsOf(response.headers.get('Retry-After'))
      if (response.status === 429 && attempt < tries && (retryAfter ?? 1) <= patience) {
        this.#pace.pause((retryAfter ?? 1) * 1000)
        continue
      }
      const answer = await read(response)
      if (response.ok) return answer
      if (response.status === 401) this.onUnauthorized()
      throw new ApiError(response.status, answer ?? {}, retryAfter)
    }
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} body
   * @param {AbortSignal} signal
   */
  async #send(method, path, body, signal) {
    /** @type {Record<string, string>} */
    const headers = {
      Accept: 'application/json',
      Authorization: this.#authorization,
      'X-Requested-With': 'tsmaddy-admin', // the browser must not ask for the password as well
    }
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    if (this.#csrf !== '') headers['X-CSRF-Token'] = this.#csrf
    try {
      const response = await fetch(new URL(path, base), {
        method,
        headers,
        ...(body !== undefined && { body: toJson(body) }),
        cache: 'no-store',
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(30_000)]),
      })
      const limit = Number(response.headers.get('X-Rate-Limit-Limit'))
      if (limit >= 1) this.#pace.limit = Math.floor(limit)
      this.#csrf = response.headers.get('X-CSRF-Token') ?? this.#csrf
      return response
    } catch (error) {
      if (signal.aborted) throw error
      throw new ApiError(0, {})
    }
  }
}

/** @param {string | null} header */
const secondsOf = (header) => (header !== null && /^\d+$/.test(header) ? Number(header) : undefined)

/** @param {Response} response */
const read = async (response) => {
  const text = await response.text().catch(() => '')
  if (text === '') return undefined
  try {
    return JSON.parse(text, exactly)
  } catch {
    return undefined // of something between here and the server
  }
}

/**
 * Whole numbers that a number cannot hold become bigints, where the browser shows how they were written.
 *
 * @param {string} _key
 * @param {unknown} value
 * @param {{ source?: string }} [context]
 */
const exactly = (_key, value, context) => {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  return /^-?\d+$/.test(context?.source ?? '') ? BigInt(context?.source ?? 0) : value
}

/**
 * JSON with bigints as the numbers they are; of what this page sends, only members of the body have them.
 *
 * @param {unknown} body
 */
const toJson = (body) => {
  const members = Object.entries(/** @type {object} */ (body)).map(
    ([key, value]) => `${JSON.stringify(key)}:${typeof value === 'bigint' ? value : JSON.stringify(value)}`,
  )
  return `{${members.join(',')}}`
}

/** @param {unknown} error */
export const isAbort = (error) => error instanceof DOMException && error.name === 'AbortError'

/** @param {unknown} error */
export const isMissing = (error) => error instanceof ApiError && error.status === 404

/**
 * What to tell people of an error.
 *
 * @param {unknown} error
 */
export const explain = (error) => (error instanceof ApiError ? error.message : `This page made a mistake: ${error}`)
