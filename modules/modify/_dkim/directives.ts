import type { Scope, Word } from '../../../core/index.ts'
import {
  blaming,
  ConfigError,
  Directive,
  duration,
  flag,
  MutableTable,
  oneOf,
  text,
  use,
  value,
  words,
} from '../../../core/index.ts'
import { needed, newKeyAlgorithms } from '../../../core/kit/dkim/index.ts'
import { asciiForm, canSign, normalized } from './domains.ts'

/** Domains as they are written. Tells of those that no signature can name, which are left out later on. */
const readDomains = (given: readonly Word[], scope: Scope): readonly string[] => {
  for (const { text, at } of given) {
    const domain = normalized(text)
    if (domain === undefined || !canSign(domain)) scope.warn(at, `${text} is no domain that mail can be signed for`)
  }
  return given.map(({ text }) => text)
}

const domains = () =>
  new Directive<readonly string[] | undefined>({ args: 'strings', usage: 'DOMAIN…' }, ({ name, args }, scope) => {
    if (args.length === 0) throw new ConfigError(name.at, `${name.text} needs DOMAIN…`)
    return readDomains(args, scope)
  })

/** `s`, which is part of a name in DNS and of the name of a file. */
const checkSelector = (written: string): string => {
  const ascii = asciiForm(written)
  if (ascii === undefined || !canSign(ascii)) throw new RangeError(`${JSON.stringify(written)} is no selector`)
  return written
}

const selector = () => value('SELECTOR', checkSelector, 'string')

/** What stands after the name of the module. */
export const inline = () =>
  new Directive<{ readonly domains: readonly string[]; readonly selector: string } | undefined>(
    { args: 'strings', usage: '[DOMAIN… SELECTOR]' },
    ({ name, args }, scope) => {
      const last = args.at(-1)
      if (!last) return undefined
      if (args.length === 1)
        throw new ConfigError(name.at, 'dkim takes DOMAIN… SELECTOR after its name, or nothing at all')
      return {
        domains: readDomains(args.slice(0, -1), scope),
        selector: blaming(last.at, () => checkSelector(last.text)),
      }
    },
  )

const fields = () =>
  words('FIELD…', 0).map((names) => {
    const wrong = names.find((name) => !/^[!-9<-~]+$/.test(name))
    if (wrong !== undefined) throw new RangeError(`${JSON.stringify(wrong)} is no name of a header field`)
    return names
  })

const canonicalization = () => oneOf('relaxed', 'simple').default('relaxed')

export const directives = {
  debug: flag().inherit().default('no').doc('Verbose log.'),
  domains: domains().doc(
    'Domains whose mail is signed, by the domain of its sender. Wins over those given inline. Mail without a sender, such as bounces, is signed for the first.',
  ),
  selector: selector().doc('The name of the key among those of its domain. Wins over the one given inline.'),
  key_path: text('PATH')
    .default('dkim_keys/{domain}_{selector}.key')
    .doc(
      'The file of the key of a domain; relative ones are taken from the state directory. A key that is not there is made, together with a .dns file that has the record for DNS.',
    ),
  oversign_fields: fields()
    .default(
      'Subject Sender To Cc From Date MIME-Version Content-Type Content-Transfer-Encoding Reply-To In-Reply-To Message-Id References Autocrypt Openpgp',
    )
    .doc('Fields that are signed once more than they occur, so that none can be added on the way.'),
  sign_fields: fields()
    .default(
      'List-Id List-Help List-Unsubscribe List-Post List-Owner List-Archive Resent-To Resent-Sender Resent-Message-Id Resent-Date Resent-From Resent-Cc',
    )
    .doc('Fields that are signed as often as they occur.'),
  header_canon: canonicalization().doc('Which changes to the header on its way the signature endures.'),
  body_canon: canonicalization().doc('Which changes to the body on its way the signature endures.'),
  sig_expiry: duration().default('120h').doc('How long a signature is good for; 0 is for ever.'),
  hash: oneOf('sha256').default('sha256').doc('The hash of signatures. There is only one.'),
  newkey_algo: oneOf(...newKeyAlgorithms)
    .default('rsa2048')
    .doc('What keys are made. Those that exist are used whatever they are.'),
  allow_multiple_from: flag().default('no').doc('Has no effect; accepted for the sake of older files.'),
  sign_subdomains: flag()
    .default('no')
    .doc('Also signs mail from below the domain, in the name of the domain. Needs exactly one domain.'),
  domain_table: use(MutableTable).doc(
    'A table of further domains. Every sender has its mail signed then, with a key that is made when it is first needed, so let only those send who may.',
  ),
  store_keys_in_database: flag().default('no').doc('Keeps the keys in domain_table, instead of files.'),
}

/** Whether From is among the fields; without it a signature means nothing (RFC 6376 §5.4). */
export const signsFrom = (...lists: readonly (readonly string[])[]): boolean =>
  lists.some((list) => list.some((name) => name.toLowerCase() === needed))
