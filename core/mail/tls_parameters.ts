import { ConfigError } from '../../grammar/node.ts'
import type { Directives } from '../config/directive.ts'
import { Directive } from '../config/directive.ts'
import { didYouMean } from '../config/nearest.ts'
import { custom, everyWord, withoutBlock } from '../config/values.ts'
import { cipherNames, parseCipher } from '../kit/tls/ciphers.ts'
import { curveNames, parseCurve, parseProtocols, versionNames } from '../kit/tls/parameters.ts'

/** `protocols tls1.2 tls1.3`, lowest and highest, or a single one; `""` leaves it to the library. */
const protocols = () =>
  custom({ args: 'custom: MIN [MAX]', usage: 'MIN [MAX]', values: versionNames }, (words, { name }) => {
    const [lowest, highest, extra] = words
    if (!lowest || extra) {
      const at = extra?.at ?? name.at
      throw new ConfigError(at, `${name.text}: expected 1 or 2 arguments, the lowest version and the highest`)
    }
    return parseProtocols(lowest.text, highest?.text)
  })

/** Names as Go has them; those that Node cannot speak are dropped with a warning, unless no other is left. */
const ciphers = () =>
  new Directive<readonly string[] | undefined>(
    { args: `enum list:${cipherNames.join(',')}`, usage: 'CIPHER…', values: cipherNames },
    (node, scope) => {
      withoutBlock(node)
      const usable: string[] = []
      for (const { text, at } of node.args) {
        if (!cipherNames.includes(text)) {
          throw new ConfigError(at, `unknown cipher: ${text}${didYouMean(text, cipherNames)}`)
        }
        const cipher = parseCipher(text)
        if (cipher === null) scope.warn(at, `${text} is left out: it is insecure, and this server cannot speak it`)
        else usable.push(cipher)
      }
      if (usable.length > 0) return usable
      const reason = node.args.length === 0 ? 'names at least one cipher' : 'names only ciphers that are not available'
      throw new ConfigError(node.args[0]?.at ?? node.name.at, `${node.name.text} ${reason}`)
    },
  )

const curves = () =>
  custom({ args: `enum list:${curveNames.join(',')}`, usage: 'CURVE…', values: curveNames }, (words, { name }) => {
    if (words.length === 0) throw new ConfigError(name.at, `${name.text} needs one or more of ${curveNames.join(', ')}`)
    return everyWord(words, parseCurve)
  })

/** What `tls` and `tls_client` have in common. */
export const tlsParameters = {
  protocols: protocols().doc('The lowest and the highest version of TLS, or the only one.'),
  ciphers: ciphers().doc('The ciphers for TLS 1.2 and before; those of TLS 1.3 cannot be chosen.'),
  curves: curves().doc('The curves for the key exchange, best first.'),
} satisfies Directives
