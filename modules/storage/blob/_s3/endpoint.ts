import { value } from '../../../../core/index.ts'

/** Where a store speaks S3. */
export interface S3Endpoint {
  /** `host` or `host:port`, as written. */
  readonly host: string
  /** Amazon's own service, whose hosts the SDK knows better; of other stores the host is all that is known. */
  readonly amazon: boolean
  /** The region that the host names. */
  readonly region: string | undefined
}

const hostPort = /^(\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)(?::(\d{1,5}))?$/i

/** Amazon's general hosts: `s3.amazonaws.com`, and one for each region. */
const amazonHost = /^s3(?:[.-]([a-z0-9-]+))?\.amazonaws\.com(?:\.cn)?$/i

/** A host with or without a port; no URL, for whether TLS is used is said by `secure`. */
export const s3Endpoint = () =>
  value('HOST[:PORT]', (written): S3Endpoint => {
    if (written.includes('://')) throw new RangeError(`expected HOST[:PORT] without ${written.split('://')[0]}://`)
    const [, host = '', port] = hostPort.exec(written) ?? []
    if (host === '' || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535) {
      throw new RangeError(`expected HOST[:PORT], not ${written}`)
    }
    const amazon = port === undefined || port === '443' ? amazonHost.exec(host) : null
    return { host: written, amazon: amazon !== null, region: amazon?.[1]?.toLowerCase() }
  })
