/** The longest a timer of Node can run; milliseconds. */
const longest = 2 ** 31 - 1

interface Timeouts {
  /** Milliseconds; 0 for ever. */
  readonly readTimeout: number
  readonly writeTimeout: number
}

interface Events {
  /** True while it is not the client who is waited for. */
  busy(): boolean
  /** The client has said nothing in time. */
  silent(): void
  /** The client has not read in time. */
  stuck(): void
}

/** Watches how long a client takes. One timer a connection: it is set anew only when it rings, not with every command. */
export class Deadline {
  readonly #timeouts: Timeouts
  readonly #events: Events
  #timer: NodeJS.Timeout | undefined
  #read = Number.POSITIVE_INFINITY
  #write = Number.POSITIVE_INFINITY
  /** When the timer rings; never again once stopped. */
  #rings = Number.POSITIVE_INFINITY

  constructor(timeouts: Timeouts, events: Events) {
    this.#timeouts = timeouts
    this.#events = events
  }

  /** From now on the client has `timeout` milliseconds for what it owes. */
  expectInput(timeout = this.#timeouts.readTimeout): void {
    this.#read = after(timeout)
    if (this.#read < this.#rings) this.#arm()
  }

  /** Replies wait for the client to read. */
  expectReading(): void {
    this.#write = after(this.#timeouts.writeTimeout)
    if (this.#write < this.#rings) this.#arm()
  }

  /** The client has read. */
  wasRead(): void {
    this.#write = Number.POSITIVE_INFINITY
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#rings = Number.NEGATIVE_INFINITY
  }

  #arm(): void {
    clearTimeout(this.#timer)
    this.#rings = Math.min(this.#read, this.#write)
    if (this.#rings === Number.POSITIVE_INFINITY) return
    this.#timer = setTimeout(() => this.#ring(), Math.min(Math.max(this.#rings - performance.now(), 1), longest))
  }

  #ring(): void {
    const now = performance.now()
    const silent = now >= this.#read && !this.#events.busy()
    if (now >= this.#write) this.#events.stuck()
    else if (silent) this.#events.silent()
    else {
      if (now >= this.#read) this.expectInput()
      this.#arm()
    }
  }
}

const after = (timeout: number): number => (timeout > 0 ? performance.now() + timeout : Number.POSITIVE_INFINITY)
