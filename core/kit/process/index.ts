/** Programs that are run beside the server, without a shell. */
export { findProgram } from './find_program.ts'
export { fillPlaceholders } from './placeholders.ts'
export { type Ended, type RunOptions, runProgram } from './run.ts'
