export type { Algorithm } from './algorithm.ts'
export { compressBytes, compressStream, decompressStream } from './algorithm.ts'
