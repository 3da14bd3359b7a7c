export { default } from '../storage/imapsql/index.ts'
