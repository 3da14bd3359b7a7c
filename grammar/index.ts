/** The configuration language: text to nodes. It knows no module and no mail. */
export type { Environment } from './environment.ts'
export { nameFault } from './name.ts'
export {
  ConfigError,
  describeProblem,
  formatPosition,
  type Node,
  type Position,
  type Problem,
  type Word,
} from './node.ts'
export { type Parsed, parseText } from './parse.ts'
export { type Configuration, type ReadOptions, readConfig, readConfigText } from './read.ts'
export type { ReadFile } from './source.ts'
