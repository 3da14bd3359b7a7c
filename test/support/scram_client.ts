import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'

export interface ScramClientOptions {
  /** `n`, `y`, or `p=` and a type of channel binding. */
  readonly flag?: string
  /** The data of that binding. */
  readonly binding?: Uint8Array
  readonly authzid?: string
  readonly nonce?: string
}

const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** The client's side of SCRAM-SHA-256, written from RFC 5802 §3 and on its own, so that the server is not measured by itself. */
export class ScramClient {
  readonly first: string
  readonly #header: string
  readonly #bare: string
  readonly #password: string
  readonly #binding: Uint8Array
  #serverSignature = ''

  constructor(username: string, password: string, options: ScramClientOptions = {}) {
    const { flag = 'n', binding = new Uint8Array(), authzid, nonce = randomBytes(12).toString('base64') } = options
    this.#header = `${flag},${authzid === undefined ? '' : `a=${saslname(authzid)}`},`
    this.#bare = `n=${saslname(username)},r=${nonce}`
    this.first = this.#header + this.#bare
    this.#password = password
    this.#binding = binding
  }

  /** The answer to the first message of the server. */
  final(challenge: string): string {
    const [, nonce = '', salt = '', iterations = ''] = /^r=(.*),s=(.*),i=(\d+)$/.exec(challenge) ?? []
    const salted = pbkdf2Sync(this.#password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256')
    const clientKey = hmac(salted, 'Client Key')
    const bound = Buffer.concat([Buffer.from(this.#header), this.#binding]).toString('base64')
    const bare = `c=${bound},r=${nonce}`
    const message = `${this.#bare},${challenge},${bare}`
    const signature = hmac(createHash('sha256').update(clientKey).digest(), message)
    const proof = Buffer.from(clientKey.map((octet, at) => octet ^ (signature[at] ?? 0)))
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), message).toString('base64')
    return `${bare},p=${proof.toString('base64')}`
  }

  /** Whether the server knows the password, too. */
  trusts(verdict: string): boolean {
    return verdict === `v=${this.#serverSignature}`
  }
}

const saslname = (name: string): string => name.replaceAll('=', '=3D').replaceAll(',', '=2C')
