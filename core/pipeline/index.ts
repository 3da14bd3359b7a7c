export { type PipelineConfig, pipelineDirectives } from './directives.ts'
export { Pipeline, type PipelineOptions, type Surroundings } from './pipeline.ts'
