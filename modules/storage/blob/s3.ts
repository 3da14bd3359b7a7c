import { createHash } from 'node:crypto'
import type { Context, Logger } from '../../../core/index.ts'
import { anyText, BlobStore, ConfigError, defineModule, duration, flag, oneOf, text } from '../../../core/index.ts'
import { S3Blobs } from './_s3/blobs.ts'
import type { S3Options } from './_s3/connection.ts'
import { Connection } from './_s3/connection.ts'
import type { CredentialSource } from './_s3/credentials.ts'
import { s3Endpoint } from './_s3/endpoint.ts'
import { minioKeys } from './_s3/minio_config.ts'

const day = 24 * 60 * 60 * 1000

/** A bucket of a store that speaks S3: that of Amazon, MinIO, Ceph, Garage and many others. */
export default defineModule({
  name: 'storage.blob.s3',
  doc: 'Keeps message bodies as objects in a bucket of a store that speaks S3.',
  provides: [BlobStore],
  config: {
    endpoint: s3Endpoint().required().doc('The host of the store, without a scheme.'),
    secure: flag().default('yes').doc('Whether the store is spoken to over TLS.'),
    access_key: text('KEY').doc('The name of the key, when it is written here.'),
    secret_key: text('SECRET').doc('The secret of the key.'),
    bucket: text('NAME').required().doc('The bucket, which has to exist.'),
    region: anyText('REGION').doc('The region of the bucket; the store is asked when it is empty.'),
    object_prefix: anyText('PREFIX').doc('What the names of objects begin with, such as `mail/`.'),
    creds: oneOf('access_key', 'file_minio', 'file_aws', 'iam')
      .default('access_key')
      .doc(
        'Where the key comes from: `access_key` and `secret_key`; the configuration of the `mc` client; the shared credentials file of AWS; or the role of the machine.',
      ),
    request_timeout: duration().default('20s').doc('How long the store may be silent before a request is made anew.'),
  },
  create(config, context) {
    const { endpoint, secure, bucket, object_prefix: prefix = '', request_timeout: timeout } = config
    if (Buffer.byteLength(prefix) > 900) throw new ConfigError(context.at, 'object_prefix is longer than 900 bytes')
    if (timeout < 1) throw new ConfigError(context.at, 'request_timeout has to be longer than that')
    const source = sourceOf(config, context)
    const options: S3Options = { endpoint, secure, bucket, region: config.region || undefined, source, timeout }
    let blobs: S3Blobs | undefined
    const opened = (): S3Blobs => {
      if (!blobs) throw new Error('the store has not been started')
      return blobs
    }
    return {
      async inspect() {
        if (source.creds === 'file_minio') await minioKeys()
      },
      async start(held) {
        const connection = await context.shared(held, keyOf(options), () => Connection.open(options))
        blobs = new S3Blobs(connection, prefix)
        tidy(blobs, connection, context.log)
      },
      put: (key, content) => opened().put(key, content),
      get: (key, start, length) => opened().get(key, start, length),
      delete: (keys) => opened().delete(keys),
      list: () => opened().list(),
    }
  },
})

interface Written {
  readonly creds: 'access_key' | 'file_minio' | 'file_aws' | 'iam'
  readonly access_key: string | undefined
  readonly secret_key: string | undefined
}

const sourceOf = ({ creds, access_key, secret_key }: Written, { at }: Context): CredentialSource => {
  if (creds !== 'access_key') return { creds }
  if (access_key === undefined) throw new ConfigError(at, 'storage.blob.s3 needs access_key KEY')
  if (secret_key === undefined) throw new ConfigError(at, 'storage.blob.s3 needs secret_key SECRET')
  return { creds, keys: { accessKeyId: access_key, secretAccessKey: secret_key } }
}

/** Stores with the same options have their connections in common. */
const keyOf = (options: S3Options): string =>
  `s3 ${createHash('sha256').update(JSON.stringify(options)).digest('base64url')}`

/** Objects begun and never ended cost room, and are seen by nobody. Not every store, or key, allows looking for them. */
const tidy = (blobs: S3Blobs, { closed }: Connection, log: Logger): void => {
  blobs.removeUnfinished(new Date(Date.now() - day)).then(
    (removed) => {
      if (removed > 0) log.info('unfinished bodies removed', { uploads: removed })
    },
    (error) => {
      if (!closed.aborted) log.debug('no search for unfinished bodies', { reason: String(error) })
    },
  )
}
