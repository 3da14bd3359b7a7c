export { default } from '../require_matching_rdns.ts'
