export { default } from '../require_mx_record.ts'
