import type { StorageError } from '../../../core/index.ts'

/**
 * What an operation throws when it cannot do what it is asked. It becomes a StorageError in the thread of the caller; the
 * thread that writes has no use for all that comes with the class itself.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly kind: StorageError['kind']

  constructor(kind: StorageError['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}
