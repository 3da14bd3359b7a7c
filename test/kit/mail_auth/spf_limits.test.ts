import type { Zone } from '../../../core/kit/dns/memory.ts'
import { cases } from './spf_support.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

/** `count` domains, each of which includes the next; the last lets everybody pass. */
const chain = (count: number, modifier: 'include:' | 'redirect='): Zone =>
  Object.fromEntries(
    numbers(count).map((index) => [
      `i${index}.example.net`,
      { TXT: [index === count - 1 ? 'v=spf1 +all' : `v=spf1 ${modifier}i${index + 1}.example.net`] },
    ]),
  )

/** Names that exist and lead elsewhere. */
const elsewhere = (count: number): Zone =>
  Object.fromEntries(numbers(count).map((index) => [`a${index}.example.net`, { A: ['203.0.113.1'] }]))

const terms = (count: number) =>
  numbers(count)
    .map((index) => `a:a${index}.example.net`)
    .join(' ')

const exchangers = (count: number): Zone => ({
  'example.net': { MX: numbers(count).map((index) => `${index} m${index}.example.net`) },
  ...Object.fromEntries(numbers(count - 1).map((index) => [`m${index}.example.net`, { A: ['203.0.113.1'] }])),
  [`m${count - 1}.example.net`]: { A: ['192.0.2.1'] },
})

const names = (count: number): Zone => ({
  '192.0.2.1': { PTR: numbers(count).map((index) => `p${index}.example.${index === count - 1 ? 'com' : 'net'}`) },
  ...Object.fromEntries(numbers(count - 1).map((index) => [`p${index}.example.net`, { A: ['192.0.2.1'] }])),
  [`p${count - 1}.example.com`]: { A: ['192.0.2.1'] },
})

/** A record of that many characters, which lets everybody pass. */
const ofLength = (length: number) => `v=spf1 +all${' '.repeat(length - 'v=spf1 +all'.length)}`

const lookups = 'lookup limit reached'
const voids = 'void lookup limit reached'

/** RFC 7208 §4.6.4. */
cases({}, [
  {
    title: 'ten terms that ask DNS are allowed',
    record: `v=spf1 ${terms(10)} ip4:192.0.2.1`,
    zone: elsewhere(10),
    value: 'pass',
  },
  {
    title: 'eleven terms that ask DNS are too many',
    record: `v=spf1 ${terms(11)} ip4:192.0.2.1`,
    zone: elsewhere(11),
    value: 'permerror',
    reason: lookups,
  },
  {
    title: 'a term that is not reached does not count',
    record: `v=spf1 ip4:192.0.2.1 ${terms(11)}`,
    zone: elsewhere(11),
    value: 'pass',
  },
  {
    title: 'ip4, ip6 and all do not count',
    record: `v=spf1 ${'ip4:203.0.113.9 ip6:::1 '.repeat(30)}${terms(10)} +all`,
    zone: elsewhere(10),
    value: 'pass',
  },
  {
    title: 'a chain of ten includes is allowed',
    record: 'v=spf1 include:i0.example.net -all',
    zone: chain(10, 'include:'),
    value: 'pass',
  },
  {
    title: 'a chain of eleven includes is too long',
    record: 'v=spf1 include:i0.example.net -all',
    zone: chain(11, 'include:'),
    value: 'permerror',
    reason: lookups,
  },
  {
    title: 'a chain of ten redirects is allowed',
    record: 'v=spf1 redirect=i0.example.net',
    zone: chain(10, 'redirect='),
    value: 'pass',
  },
  {
    title: 'a chain of eleven redirects is too long',
    record: 'v=spf1 redirect=i0.example.net',
    zone: chain(11, 'redirect='),
    value: 'permerror',
    reason: lookups,
  },
  {
    title: 'a record that includes itself comes to an end',
    record: 'v=spf1 include:example.com -all',
    value: 'permerror',
    reason: lookups,
  },
  {
    title: 'a record that is redirected to itself comes to an end',
    record: 'v=spf1 redirect=example.com',
    value: 'permerror',
    reason: lookups,
  },
  {
    title: 'terms of included records count with those of the record',
    record: 'v=spf1 a:a0.example.net include:other.example.net ip4:192.0.2.1 -all',
    zone: { ...elsewhere(9), 'other.example.net': { TXT: [`v=spf1 ${terms(9)} -all`] } },
    value: 'permerror',
    reason: lookups,
  },
  {
    title: 'ten exchangers of one mx are allowed',
    record: 'v=spf1 mx:example.net -all',
    zone: exchangers(10),
    value: 'pass',
  },
  {
    title: 'eleven exchangers of one mx are too many',
    record: 'v=spf1 mx:example.net -all',
    zone: exchangers(11),
    value: 'permerror',
  },
  {
    title: 'exchangers do not count as terms',
    record: `v=spf1 mx:example.net ${terms(9)} -all`,
    zone: { ...exchangers(10), ...elsewhere(9), 'm9.example.net': { A: ['203.0.113.1'] } },
    value: 'fail',
  },
  { title: 'the tenth name of a client is looked at', record: 'v=spf1 ptr -all', zone: names(10), value: 'pass' },
  { title: 'the eleventh name of a client is passed over', record: 'v=spf1 ptr -all', zone: names(11), value: 'fail' },
  {
    title: 'two lookups in vain are allowed',
    record: 'v=spf1 a:v1.example.net a:v2.example.net ip4:192.0.2.1 -all',
    value: 'pass',
  },
  {
    title: 'three lookups in vain are too many',
    record: 'v=spf1 a:v1.example.net a:v2.example.net a:v3.example.net ip4:192.0.2.1 -all',
    value: 'permerror',
    reason: voids,
  },
  {
    title: 'names without such records count as lookups in vain',
    record: 'v=spf1 mx:v.example.net exists:v.example.net mx:w.example.net ip4:192.0.2.1 -all',
    zone: { 'v.example.net': { TXT: ['x'] }, 'w.example.net': { TXT: ['x'] } },
    value: 'permerror',
    reason: voids,
  },
  {
    title: 'exchangers that do not exist do not count as lookups in vain',
    record: 'v=spf1 mx:example.net ip4:192.0.2.1 -all',
    zone: { 'example.net': { MX: numbers(5).map((index) => `10 v${index}.example.net`) } },
    value: 'pass',
  },
  { title: 'a record of 4096 characters is read', record: ofLength(4096), value: 'pass' },
  {
    title: 'a record of 4097 characters is too long',
    record: ofLength(4097),
    value: 'permerror',
    reason: 'the record is too long',
  },
  {
    title: 'an included record of 4097 characters is too long',
    record: 'v=spf1 include:example.net +all',
    zone: { 'example.net': { TXT: [ofLength(4097)] } },
    value: 'permerror',
    reason: 'the record is too long',
  },
  {
    title: 'another text may be as long as it likes',
    zone: { 'example.com': { TXT: ['x'.repeat(60_000), 'v=spf1 -all'] } },
    value: 'fail',
  },
  {
    title: 'an explanation of 4097 characters is none',
    record: 'v=spf1 exp=exp.example.com -all',
    zone: { 'exp.example.com': { TXT: ['x'.repeat(4097)] } },
    value: 'fail',
  },
])
