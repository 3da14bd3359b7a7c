import { hash, timingSafeEqual } from 'node:crypto'

/** Whether two texts are one, in a time that tells neither where they differ nor how long they are. */
export const equal = (a: string, b: string): boolean =>
  timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'))
