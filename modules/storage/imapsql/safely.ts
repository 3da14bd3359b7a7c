import type { Logger } from '../../../core/index.ts'

/** Calls somebody's listener. What it throws is its own trouble, and must not keep others from being told. */
export const safely = (call: () => void, log: Logger): void => {
  try {
    call()
  } catch (error) {
    log.error('a listener failed', error)
  }
}
