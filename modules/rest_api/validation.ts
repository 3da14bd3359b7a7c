import type { ErrorObject } from 'ajv/dist/2020.js'
import { ApiError, type FieldError } from './errors.ts'
import { isEmail } from './names.ts'
import { type SchemaName, schemas } from './schemas.ts'

/** Checks a body against a schema. Throws ApiError 400 that names each field. */
export type Validate = (name: SchemaName, body: unknown) => void

/** Bytes of a password that bcrypt looks at. */
const most = 72

/** What a store of passwords can tell from others, and a client can send (RFC 4616 has no NUL). */
const isPassword = (text: string): boolean =>
  Buffer.byteLength(text) <= most && !text.includes('\0') && text.isWellFormed()

export const makeValidate = async (): Promise<Validate> => {
  const { Ajv2020 } = await import('ajv/dist/2020.js')
  const ajv = new Ajv2020({ allErrors: true })
  ajv.addFormat('email', isEmail)
  ajv.addFormat('password', isPassword)
  ajv.addFormat('int64', { type: 'number', validate: Number.isInteger })
  ajv.addFormat('date-time', true)
  ajv.addKeyword('components') // where the references of an OpenAPI document point
  ajv.addSchema({ components: { schemas } }, 'api')
  return (name, body) => {
    const validate = ajv.getSchema(`api#/components/schemas/${name}`)
    if (!validate) throw new Error(`there is no schema ${name}`)
    if (validate(body)) return
    const all = (validate.errors ?? []).map(fieldError)
    const errors = [...Map.groupBy(all, ({ field }) => field).values()].flatMap(([first]) => first ?? [])
    throw new ApiError(
      400,
      errors.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('; '),
      {
        errors,
      },
    )
  }
}

const fieldError = ({ instancePath, keyword, params, message = 'is not right' }: ErrorObject): FieldError => {
  const missing = keyword === 'required' ? String(params.missingProperty) : ''
  const field = [...instancePath.split('/').slice(1), missing].filter((part) => part !== '').join('.')
  return { field, rule: keyword, message: sayings[`${keyword} ${params.format ?? ''}`.trim()] ?? message }
}

const sayings: Readonly<Record<string, string>> = {
  required: 'is missing',
  'format email': 'has to be an e-mail address',
  'format password': `has to be text of at most ${most} bytes, without NUL`,
  minLength: 'must not be empty',
}
