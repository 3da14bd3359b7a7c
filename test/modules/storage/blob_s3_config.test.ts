import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { BlobStore } from '../../../core/index.ts'
import { s3Store, type TestS3 } from '../../support/s3.ts'
import { instance } from '../../support/server.ts'

const key = '0123456789abcdef'.repeat(2)

const start = (conf: string) => instance(BlobStore, `storage.blob.s3 blobs {\n${conf}\n}`)

const refused = async (conf: string, message: RegExp): Promise<void> => {
  await assert.rejects(async () => {
    await using _made = await start(conf)
  }, message)
}

const keys = 'access_key a\nsecret_key b'

for (const [what, conf, message] of [
  ['no endpoint', `bucket mail\n${keys}`, /endpoint/],
  ['no bucket', `endpoint s3.example\n${keys}`, /bucket/],
  ['no access_key', 'endpoint s3.example\nbucket mail\nsecret_key b', /needs access_key/],
  ['no secret_key', 'endpoint s3.example\nbucket mail\naccess_key a', /needs secret_key/],
  ['a URL as endpoint', `endpoint https://s3.example\nbucket mail\n${keys}`, /HOST\[:PORT\] without https:\/\//],
  ['a path in the endpoint', `endpoint s3.example/mail\nbucket mail\n${keys}`, /expected HOST\[:PORT\], not s3/],
  ['a port that is none', `endpoint s3.example:99999\nbucket mail\n${keys}`, /expected HOST\[:PORT\]/],
  ['an unknown source of keys', `endpoint s3.example\nbucket mail\n${keys}\ncreds foo`, /access_key, file_minio/],
  [
    'an endless prefix',
    `endpoint s3.example\nbucket mail\n${keys}\nobject_prefix ${'x'.repeat(901)}`,
    /longer than 900/,
  ],
  ['no time for a request', `endpoint s3.example\nbucket mail\n${keys}\nrequest_timeout 0`, /request_timeout/],
] as const) {
  test(`${what} is refused`, () => refused(conf, message))
}

test('a bucket that does not exist is named at the start, and not made', async () => {
  await using s3 = await s3Store()
  const conf = s3.conf().replace('bucket mail', 'bucket post')
  const names = new RegExp(`:1:1: the bucket post at ${s3.endpoint} cannot be used: NoSuchBucket`)
  await refused(conf, names)
  await refused(conf, names)
  assert.ok(s3.asked.every(({ method }) => method === 'HEAD' || method === 'GET'))
})

test('keys that do not fit are told of at the start', async () => {
  await using s3 = await s3Store()
  s3.secrets.set('access', 'another')
  await refused(s3.conf(), /the bucket mail at .* cannot be used: SignatureDoesNotMatch/)
})

test('a store that is not there is told of at the start', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  await refused(
    `endpoint 127.0.0.1:${port}\nsecure no\nbucket mail\n${keys}`,
    new RegExp(`the bucket mail at 127.0.0.1:${port} cannot be used: .*ECONNREFUSED`),
  )
})

test('a store that cannot be asked for its bucket, but for what is in it, is in use', async () => {
  await using s3 = await s3Store()
  s3.fault = ({ method }) => (method === 'HEAD' ? { status: 405, code: 'MethodNotAllowed' } : undefined)
  await using made = await start(s3.conf())
  await made.api.put(key, Buffer.from('x'))
  assert.deepEqual(await s3.keys(), [key])
})

test('the region of the bucket is what the store says it is', async () => {
  await using s3 = await s3Store()
  s3.region = 'eu-central-1'
  await using made = await start(s3.conf('region ""'))
  await made.api.put(key, Buffer.from('x'))
  assert.deepEqual(await s3.keys(), [key])
})

test('a region that is written is not guessed at', async () => {
  await using s3 = await s3Store()
  s3.region = 'eu-central-1'
  await refused(s3.conf('region us-west-2'), /AuthorizationHeaderMalformed|400/)
  await using _made = await start(s3.conf('region eu-central-1'))
})

/** With these environment variables, and without any others that tell of keys. */
const withEnvironment = async (env: Readonly<Record<string, string>>, work: () => Promise<void>): Promise<void> => {
  const before = { ...process.env }
  for (const name of Object.keys(process.env)) if (/^(AWS|MINIO)_/.test(name)) delete process.env[name]
  Object.assign(process.env, env)
  try {
    await work()
  } finally {
    for (const name of Object.keys(process.env)) delete process.env[name]
    Object.assign(process.env, before)
  }
}

const withFile = async (text: string, work: (path: string, folder: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  try {
    await writeFile(join(folder, 'file'), text)
    await work(join(folder, 'file'), folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A store that is used with the keys that `creds` finds; resolves to the names of the keys that were used. */
const usedKeys = async (s3: TestS3, creds: string): Promise<readonly string[]> => {
  s3.asked.length = 0
  await using made = await start(s3.conf(`creds ${creds}`))
  await made.api.put(key, Buffer.from('x'))
  return [...new Set(s3.asked.map(({ accessKey }) => accessKey))]
}

const minioFile = JSON.stringify({
  version: '10',
  aliases: {
    s3: { url: 'https://s3.example', accessKey: 'of s3', secretKey: 'secret of s3', api: 'S3v4', path: 'auto' },
    play: { url: 'https://play.example', accessKey: 'of play', secretKey: 'secret of play' },
    half: { url: 'https://half.example', accessKey: 'half' },
  },
})

test('creds file_minio takes the keys of an alias of the MinIO client', async () => {
  await using s3 = await s3Store()
  s3.secrets.set('of s3', 'secret of s3').set('of play', 'secret of play')
  await withFile(minioFile, async (file) => {
    const env = { MINIO_SHARED_CREDENTIALS_FILE: file }
    await withEnvironment(env, async () => assert.deepEqual(await usedKeys(s3, 'file_minio'), ['of s3']))
    await withEnvironment({ ...env, MINIO_ALIAS: 'play' }, async () => {
      assert.deepEqual(await usedKeys(s3, 'file_minio'), ['of play'])
    })
    for (const [alias, message] of [
      ['none', /has no alias none/],
      ['half', /the alias half of .* has no accessKey and secretKey/],
    ] as const) {
      await withEnvironment({ ...env, MINIO_ALIAS: alias }, () => refused(s3.conf('creds file_minio'), message))
    }
  })
})

test('creds file_minio reads older files too, and never shows what is in them', async () => {
  await using s3 = await s3Store()
  s3.secrets.set('old', 'secret')
  const old = { version: '9', hosts: { s3: { url: 'https://s3.example', accessKey: 'old', secretKey: 'secret' } } }
  await withFile(JSON.stringify(old), async (file) => {
    await withEnvironment({ MINIO_SHARED_CREDENTIALS_FILE: file }, async () => {
      assert.deepEqual(await usedKeys(s3, 'file_minio'), ['old'])
      await writeFile(file, 'very secret')
      await refused(s3.conf('creds file_minio'), /: \/.*\/file is no JSON$/)
    })
  })
})

test('creds file_aws takes the keys of a profile of the shared credentials file', async () => {
  await using s3 = await s3Store()
  s3.secrets.set('usual', 'secret 1').set('other', 'secret 2')
  const file = `[default]
aws_access_key_id = usual
aws_secret_access_key = secret 1
[mail]
aws_access_key_id = other
aws_secret_access_key = secret 2
aws_session_token = session
`
  await withFile(file, async (path) => {
    // Keys in the environment are not what was asked for.
    const env = { AWS_SHARED_CREDENTIALS_FILE: path, AWS_ACCESS_KEY_ID: 'wrong', AWS_SECRET_ACCESS_KEY: 'wrong' }
    await withEnvironment(env, async () => assert.deepEqual(await usedKeys(s3, 'file_aws'), ['usual']))
    await withEnvironment({ ...env, AWS_PROFILE: 'mail' }, async () => {
      assert.deepEqual(await usedKeys(s3, 'file_aws'), ['other'])
      assert.ok(s3.asked.every(({ headers }) => headers['x-amz-security-token'] === 'session'))
    })
    await withEnvironment({ ...env, AWS_PROFILE: 'none' }, () => refused(s3.conf('creds file_aws'), /none/))
  })
})

/** A server that gives those answers, by method and path; anything else is 404. */
const answering = async (answers: Readonly<Record<string, string>>) => {
  const asked: { readonly line: string; readonly headers: IncomingMessage['headers'] }[] = []
  const server = createServer((request, response) => {
    const line = `${request.method} ${request.url}`
    asked.push({ line, headers: request.headers })
    response.writeHead(line in answers ? 200 : 404).end(answers[line] ?? '')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const temporary = JSON.stringify({
  Code: 'Success',
  Type: 'AWS-HMAC',
  AccessKeyId: 'of role',
  SecretAccessKey: 'secret of role',
  Token: 'session of role',
  Expiration: new Date(Date.now() + 6 * 60 * 60 * 1000).toISOString(),
})

test('creds iam takes the keys of the role of the instance, without any in the configuration', async () => {
  await using s3 = await s3Store()
  s3.secrets.set('of role', 'secret of role')
  const path = '/latest/meta-data/iam/security-credentials/'
  await using metadata = await answering({
    'PUT /latest/api/token': 'pass',
    [`GET ${path}`]: 'mail-server',
    [`GET ${path}mail-server`]: temporary,
  })
  await withEnvironment({ AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url }, async () => {
    assert.deepEqual(await usedKeys(s3, 'iam'), ['of role'])
  })
  assert.ok(s3.asked.every(({ headers }) => headers['x-amz-security-token'] === 'session of role'))
  assert.equal(metadata.asked.at(-1)?.headers['x-aws-ec2-metadata-token'], 'pass')
})

test('creds iam takes the keys of the role of a container', async () => {
  await using s3 = await s3Store()
  s3.secrets.set('of role', 'secret of role')
  await using metadata = await answering({ 'GET /keys': temporary })
  await withFile('pass', async (file) => {
    const env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${metadata.url}/keys`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file,
    }
    await withEnvironment(env, async () => assert.deepEqual(await usedKeys(s3, 'iam'), ['of role']))
  })
  assert.equal(metadata.asked.at(-1)?.headers.authorization, 'pass')
})

test('creds iam takes the keys of the role of a service account', async () => {
  await using s3 = await s3Store()
  s3.secrets.set('of role', 'secret of role')
  const { Expiration } = JSON.parse(temporary)
  await using tokens = await answering({
    'POST /': `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
      <AccessKeyId>of role</AccessKeyId><SecretAccessKey>secret of role</SecretAccessKey>
      <SessionToken>session of role</SessionToken><Expiration>${Expiration}</Expiration>
      </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
  })
  await withFile('pass', async (file) => {
    const env = {
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/mail',
      AWS_ENDPOINT_URL_STS: tokens.url,
    }
    await withEnvironment(env, async () => assert.deepEqual(await usedKeys(s3, 'iam'), ['of role']))
  })
})

test('a machine that has no role says so at the start', async () => {
  await using s3 = await s3Store()
  await using metadata = await answering({})
  await withEnvironment({ AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata.url }, () =>
    refused(s3.conf('creds iam'), /the bucket mail at .* cannot be used: /),
  )
})
