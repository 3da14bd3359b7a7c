import type { Worker } from 'node:worker_threads'
import type { Order } from './messages.ts'

type Failed = (error: unknown) => void

/**
 * The way to one worker. What is asked for in one turn of the event loop goes over together, since to wake a thread costs
 * more than most messages.
 */
export class Outbox {
  readonly #worker: Worker
  #batch: { readonly order: Order; readonly failed: Failed }[] = []

  constructor(worker: Worker) {
    this.#worker = worker
  }

  /** `failed` is called when the order cannot be copied to another thread. */
  post(order: Order, failed: Failed): void {
    if (this.#batch.length === 0) setImmediate(() => this.#send())
    this.#batch.push({ order, failed })
  }

  #send(): void {
    const batch = this.#batch
    this.#batch = []
    try {
      this.#worker.postMessage(batch.map(({ order }) => order))
    } catch {
      // One of them is at fault, and the others are not to suffer for it.
      for (const { order, failed } of batch) this.#alone(order, failed)
    }
  }

  #alone(order: Order, failed: Failed): void {
    try {
      this.#worker.postMessage([order])
    } catch (error) {
      failed(error)
    }
  }
}
