import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/**
 * The keys that the client of MinIO has for a store: of the alias MINIO_ALIAS, or `s3`, in the file
 * MINIO_SHARED_CREDENTIALS_FILE, or `~/.mc/config.json`. Throws when there are none.
 */
export const minioKeys = async (env: Environment = process.env): Promise<Keys> => {
  const file = env.MINIO_SHARED_CREDENTIALS_FILE || join(env.HOME || homedir(), '.mc', 'config.json')
  const alias = env.MINIO_ALIAS || 's3'
  const config: unknown = parse(await readFile(file, 'utf8'), file)
  // Aliases were called hosts in files of before 2020.
  const entry = member(member(config, 'aliases'), alias) ?? member(member(config, 'hosts'), alias)
  if (entry === undefined) throw new Error(`${file} has no alias ${alias}`)
  const [accessKeyId, secretAccessKey] = [member(entry, 'accessKey'), member(entry, 'secretKey')]
  if (!isText(accessKeyId) || !isText(secretAccessKey)) {
    throw new Error(`the alias ${alias} of ${file} has no accessKey and secretKey`)
  }
  return { accessKeyId, secretAccessKey }
}

const parse = (text: string, file: string): unknown => {
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''))
  } catch {
    throw new Error(`${file} is no JSON`) // what the parser says would show what is in the file
  }
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
