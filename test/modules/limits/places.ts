import assert from 'node:assert/strict'
import type { Check, Message } from '../../../core/index.ts'
import type { Limits } from '../../../core/mail/limits.ts'
import { certificate } from '../../support/certificates.ts'
import { Box, endpoint, type TestEndpoint } from '../smtp/harness.ts'
import { limitsFrom, stateOf, type TestClock } from './clock.ts'

export const slots = 3
const cert = { certificates: [await certificate()] }

/** Waits, once it is told to, until it is told to go on. */
class Gate {
  #closed: PromiseWithResolvers<void> | undefined
  /** Resolves when somebody waits. */
  reached = Promise.withResolvers<void>()

  close(): void {
    this.#closed = Promise.withResolvers()
    this.reached = Promise.withResolvers()
  }

  open(): void {
    this.#closed?.resolve()
    this.#closed = undefined
  }

  async pass(): Promise<void> {
    if (this.#closed) this.reached.resolve()
    await this.#closed?.promise
  }
}

export type Stage =
  | 'connection'
  | 'sender'
  | 'recipient'
  | 'message'
  | 'begin'
  | 'rcpt'
  | 'content'
  | 'commit'
  | 'dispose'

/** A target and a check with a gate at every place where a message may have to wait. */
class Places {
  readonly gates: Readonly<Record<Stage, Gate>> = {
    connection: new Gate(),
    sender: new Gate(),
    recipient: new Gate(),
    message: new Gate(),
    begin: new Gate(),
    rcpt: new Gate(),
    content: new Gate(),
    commit: new Gate(),
    dispose: new Gate(),
  }
  /** Where something breaks. */
  broken: Stage | undefined

  readonly check: Check = {
    name: 'slow',
    timeout: 0,
    begin: () => ({
      connection: () => this.#at('connection'),
      sender: () => this.#at('sender'),
      recipient: () => this.#at('recipient'),
      message: () => this.#at('message'),
    }),
  }

  readonly box: Box = new (class extends Box {
    readonly #places: Places

    constructor(places: Places) {
      super()
      this.#places = places
      this.beforeCommit = () => places.#at('commit')
    }

    override async begin(...args: Parameters<Box['begin']>) {
      const places = this.#places
      await places.#at('begin')
      const delivery = await super.begin(...args)
      return {
        recipient: async (to: Parameters<typeof delivery.recipient>[0]) => {
          await places.#at('rcpt')
          await delivery.recipient(to, { original: to })
        },
        message: async (message: Message) => {
          await places.#at('content')
          return await delivery.message(message)
        },
        commit: () => delivery.commit(),
        [Symbol.asyncDispose]: async () => {
          await delivery[Symbol.asyncDispose]()
          await places.#at('dispose')
        },
      }
    }
  })(this)

  async #at(stage: Stage): Promise<undefined> {
    await this.gates[stage].pass()
    if (this.broken === stage) throw new Error(`${stage} is broken`)
  }
}

export interface Limited extends AsyncDisposable {
  readonly server: TestEndpoint
  readonly places: Places
  readonly limits: Limits
  readonly clock: TestClock
}

/** An endpoint whose limits have three slots, for everybody, for this client, and for each sender. */
export const limited = async (more: string): Promise<Limited> => {
  const { limits, clock } = await limitsFrom(
    `all concurrency ${slots}\nip concurrency ${slots}\nsource concurrency ${slots}`,
  )
  const places = new Places()
  const server = await endpoint(
    `smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls &cert\nlimits &x\nmax_message_size 10K\n${more}\n}`,
    { instances: { x: limits, cert }, box: places.box, checks: [places.check] },
  )
  return { server, places, limits, clock, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

/** No slot is taken, whoever asks: all can be had without a wait, and not one more. */
export const allFree = async ({ limits, clock }: Limited, when: string): Promise<void> => {
  for (const source of ['h.example', '']) {
    const taking = Array.from({ length: slots + 1 }, () => limits.message('127.0.0.1', source))
    const states = await Promise.all(taking.map(stateOf))
    assert.deepEqual(states, [...Array.from({ length: slots }, () => 'taken'), 'pending'], when)
    for (const each of taking) (await each)[Symbol.dispose]()
  }
  assert.equal(clock.waiting, 0, when)
}

/** Takes all slots that this client and the sender may have. */
export const takeAll = ({ limits }: Limited): Promise<Disposable[]> =>
  Promise.all(Array.from({ length: slots }, () => limits.message('127.0.0.1', 'h.example')))

/** Resolves once a client waits for a slot. */
export const someoneWaits = async ({ clock }: Limited): Promise<void> => {
  for (let turn = 0; clock.waiting === 0; turn++) {
    assert.ok(turn < 100_000, 'nobody waits for a slot')
    await new Promise((resolve) => setImmediate(resolve))
  }
}
