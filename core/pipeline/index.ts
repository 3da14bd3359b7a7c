export { pipelineDirectives } from './directives.ts'
export { Pipeline } from './pipeline.ts'
export { parseReply } from './reply.ts'
