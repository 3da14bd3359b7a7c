import type { X509Certificate } from 'node:crypto'
import type { SaslAuthority, SaslChannel } from '../../core/kit/sasl/index.ts'
import { foreignAuthzid, scramSecret } from '../../core/kit/sasl/index.ts'

const salt = Buffer.from('0123456789abcdef')

/** An authority that knows some users and their passwords. The password `outage` finds it out of order. */
export const people = (...known: readonly (readonly [username: string, password: string])[]): SaslAuthority => ({
  async password(username, password) {
    if (password === 'outage') throw new Error('outage')
    return known.some(([name, secret]) => name === username && secret === password)
  },
  async scram(username) {
    const password = known.find(([name]) => name === username)?.[1]
    return {
      secret: scramSecret(password ?? 'nobody', { iterations: 4096, salt }),
      settle: async (proven) => proven && password !== undefined,
    }
  },
  certificate: async (certificate, authzid) => userOf(certificate, authzid),
})

/** An authority that lets everybody in who knows one password. */
export const everybody = (password: string): SaslAuthority => ({
  ...people(),
  password: async (_username, given) => given === password,
})

/** The common name. */
const userOf = (certificate: X509Certificate, authzid: string): string => {
  const name = String(certificate.toLegacyObject().subject.CN)
  if (authzid !== '' && authzid !== name) throw foreignAuthzid()
  return name
}

/** A channel that has one binding, as both ends of a connection know it. */
export const boundBy = (type: string, data: string, certificate?: X509Certificate): SaslChannel => ({
  binding: (asked) => (asked === type ? Buffer.from(data) : undefined),
  certificate,
})
