export { default } from '../require_tls.ts'
