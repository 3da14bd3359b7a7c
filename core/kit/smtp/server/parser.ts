import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import type { Content } from './content.ts'
import { Dots } from './dots.ts'

/** A line of commands is longer than the server reads. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong'
}

type Done = (error?: Error | null) => void

/**
 * The package's reader of command lines, with another reader of content: one that is strict about the end of DATA
 * (`Dots`), that knows BDAT, and that hands chunks on without a stream in between.
 */
export class Parser extends SMTPStream {
  #take: ((chunk: Buffer) => number) | undefined
  #content: Content | undefined
  #onEnd: () => void = () => {}
  #resume: (() => void) | undefined

  /** What follows is the content of DATA. `onEnd` runs once all of it is in; commands go on after `continue()`. */
  receiveData(content: Content, onEnd: () => void): void {
    const dots = new Dots(content)
    this.#receive(content, onEnd, (chunk) => {
      const end = dots.feed(chunk)
      if (end >= 0) content.end()
      return content.lineTooLong ? chunk.length : end
    })
  }

  /** What follows are the octets of one BDAT command (RFC 3030 §2), at least one. */
  receiveChunk(content: Content, size: number, onEnd: () => void): void {
    let left = size
    this.#receive(content, onEnd, (chunk) => {
      const taken = Math.min(left, chunk.length)
      left -= taken
      content.push(taken === chunk.length ? chunk : chunk.subarray(0, taken))
      return left === 0 ? taken : -1
    })
  }

  #receive(content: Content, onEnd: () => void, take: (chunk: Buffer) => number): void {
    this._dataMode = true
    this.#content = content
    this.#onEnd = onEnd
    this.#take = take
  }

  /** Goes on after content; what stands behind it may be more content, so the way on is forgotten before it is taken. */
  override continue(): void {
    const resume = this.#resume
    this.#resume = undefined
    resume?.()
  }

  override _commandTooLong(): Error {
    super._commandTooLong()
    return new LineTooLong()
  }

  /** A last line without its end is none: whoever sent it may have been cut off in the middle of a word. */
  override _flushData(): void {}

  override _feedDataStream(chunk: Buffer, done: Done): void {
    const end = this.#take?.(chunk) ?? chunk.length
    if (end < 0) {
      this.#content?.whenReady(done)
      return
    }
    this._dataMode = false
    this.#content = undefined
    this.#take = undefined
    this.#resume = () => this._write(chunk.subarray(end), 'buffer', done)
    this.#onEnd()
  }
}
