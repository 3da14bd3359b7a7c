import type { S3ClientConfig } from '@aws-sdk/client-s3'
import type { Keys } from './minio_config.ts'
import { minioKeys } from './minio_config.ts'

/** Where the keys come from: the configuration, a file of one of two other programs, or the machine itself. */
export type CredentialSource = { readonly creds: 'access_key'; readonly keys: Keys } | { readonly creds: Elsewhere }

type Elsewhere = 'file_minio' | 'file_aws' | 'iam'

type Credentials = NonNullable<S3ClientConfig['credentials']>

/** What signs the requests. Keys that end are had anew by the SDK before they do. */
export const credentialsOf = async (source: CredentialSource): Promise<Credentials> => {
  switch (source.creds) {
    case 'access_key':
      return { ...source.keys }
    case 'file_minio':
      return await minioKeys()
    case 'file_aws': {
      // Reads AWS_SHARED_CREDENTIALS_FILE and AWS_PROFILE, or else `default` in ~/.aws/credentials.
      const { fromIni } = await import('@aws-sdk/credential-provider-ini')
      return fromIni({ ignoreCache: true })
    }
    case 'iam':
      return await machineCredentials()
  }
}

/** Milliseconds that the machine may take to tell who it is, in each of a few attempts. */
const patience = { timeout: 2000, maxRetries: 3 }

/** Those of the role of a service account of Kubernetes, of a container, or of the instance, whichever there is. */
const machineCredentials = async (): Promise<Credentials> => {
  const { env } = process
  if (env.AWS_WEB_IDENTITY_TOKEN_FILE) {
    const { fromTokenFile } = await import('@aws-sdk/credential-provider-web-identity')
    return fromTokenFile()
  }
  if (env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI || env.AWS_CONTAINER_CREDENTIALS_FULL_URI) {
    const { fromHttp } = await import('@aws-sdk/credential-provider-http')
    return fromHttp(patience)
  }
  const { fromInstanceMetadata } = await import('@smithy/credential-provider-imds')
  return fromInstanceMetadata(patience)
}
