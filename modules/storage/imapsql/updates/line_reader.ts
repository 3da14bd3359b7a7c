/** Takes a stream of bytes apart at line feeds. */
export class LineReader {
  readonly #limit: number
  readonly #onLine: (line: string) => void
  #rest: Buffer = Buffer.alloc(0)

  /** `limit` is in bytes, for a line without its end. */
  constructor(limit: number, onLine: (line: string) => void) {
    this.#limit = limit
    this.#onLine = onLine
  }

  /** False once a line is too long; then nothing more is to be pushed. */
  push(chunk: Buffer): boolean {
    let bytes: Buffer = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10)) {
      if (end > this.#limit) return false
      const line = bytes.toString('utf8', 0, end)
      bytes = bytes.subarray(end + 1)
      if (line !== '') this.#onLine(line)
    }
    this.#rest = bytes
    return bytes.length <= this.#limit
  }
}
