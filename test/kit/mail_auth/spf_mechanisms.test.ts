import { appendixA, cases } from './spf_support.ts'

const six = '2001:db8:0:cb01::10'

/** RFC 7208 §4.6.2, §5. */
cases(appendixA, [
  // qualifiers and the default result
  { title: 'a minus makes fail of a match', record: 'v=spf1 -ip4:192.0.2.1 +all', value: 'fail' },
  { title: 'a tilde makes softfail of a match', record: 'v=spf1 ~all', value: 'softfail' },
  { title: 'a question mark makes neutral of a match', record: 'v=spf1 ?all', value: 'neutral' },
  { title: 'a plus makes pass of a match', record: 'v=spf1 +ip4:192.0.2.1 -all', value: 'pass' },
  { title: 'no qualifier is a plus', record: 'v=spf1 ip4:192.0.2.1 -all', value: 'pass' },
  { title: 'a record in which nothing matches is neutral', record: 'v=spf1 ip4:192.0.2.2', value: 'neutral' },
  { title: 'an empty record is neutral', record: 'v=spf1', value: 'neutral' },
  { title: 'the first match counts', record: 'v=spf1 ~ip4:192.0.2.0/24 ip4:192.0.2.1 -all', value: 'softfail' },
  { title: 'what stands after all is of no effect', record: 'v=spf1 -all ip4:192.0.2.1', value: 'fail' },
  { title: 'names of mechanisms are the same in capitals', record: 'v=spf1 IP4:192.0.2.1 -ALL', value: 'pass' },

  // all
  { title: 'all takes no domain', record: 'v=spf1 -all:example.org', value: 'permerror' },
  { title: 'all takes no prefix length', record: 'v=spf1 -all/8', value: 'permerror' },
  { title: 'all with a dot is unknown', record: 'v=spf1 -all.', value: 'permerror' },

  // include
  {
    title: 'include matches when the other record passes',
    record: 'v=spf1 include:example.net -all',
    zone: { 'example.net': { TXT: ['v=spf1 ip4:192.0.2.1 -all'] } },
    value: 'pass',
  },
  {
    title: 'include does not match when the other record fails',
    record: 'v=spf1 include:example.net ~all',
    zone: { 'example.net': { TXT: ['v=spf1 -all'] } },
    value: 'softfail',
  },
  {
    title: 'include does not match when the other record soft-fails',
    record: 'v=spf1 include:example.net -all',
    zone: { 'example.net': { TXT: ['v=spf1 ~all'] } },
    value: 'fail',
  },
  {
    title: 'include does not match when the other record is neutral',
    record: 'v=spf1 include:example.net -all',
    zone: { 'example.net': { TXT: ['v=spf1 ?all'] } },
    value: 'fail',
  },
  {
    title: 'the qualifier of an include is the one that counts',
    record: 'v=spf1 ~include:example.net -all',
    zone: { 'example.net': { TXT: ['v=spf1 +all'] } },
    value: 'softfail',
  },
  {
    title: 'including a domain without a record is a permerror',
    record: 'v=spf1 include:example.net ~all',
    zone: { 'example.net': { A: ['192.0.2.1'] } },
    value: 'permerror',
  },
  {
    title: 'including a domain that does not exist is a permerror',
    record: 'v=spf1 include:no.example.net ~all',
    value: 'permerror',
  },
  {
    title: 'including a wrong record is a permerror',
    record: 'v=spf1 include:example.net ~all',
    zone: { 'example.net': { TXT: ['v=spf1 moo -all'] } },
    value: 'permerror',
  },
  {
    title: 'including a domain whose DNS fails is a temperror',
    record: 'v=spf1 include:example.net ~all',
    zone: { 'example.net': { fails: 'SERVFAIL' } },
    value: 'temperror',
  },
  { title: 'include needs a domain', record: 'v=spf1 include', value: 'permerror' },
  { title: 'include takes no prefix length', record: 'v=spf1 include:example.net/24', value: 'permerror' },
  {
    title: 'the redirect of an included record counts',
    record: 'v=spf1 include:example.net -all',
    zone: { 'example.net': { TXT: ['v=spf1 redirect=r.example.net'] }, 'r.example.net': { TXT: ['v=spf1 +all'] } },
    value: 'pass',
  },

  // a
  { title: 'a follows an alias', record: 'v=spf1 a:www.example.com -all', ip: '192.0.2.10', value: 'pass' },
  { title: 'a with a prefix length matches the network', record: 'v=spf1 a/24 -all', ip: '192.0.2.200', value: 'pass' },
  {
    title: 'a of length 0 matches any address of that kind',
    record: 'v=spf1 a/0 -all',
    ip: '203.0.113.1',
    value: 'pass',
  },
  {
    title: 'a of length 0 still needs an address',
    record: 'v=spf1 a:example.org/0 -all',
    ip: '203.0.113.1',
    value: 'fail',
  },
  { title: 'a longer prefix than 32 is an error', record: 'v=spf1 a/33 -all', value: 'permerror' },
  { title: 'a longer IPv6 prefix than 128 is an error', record: 'v=spf1 a//129 -all', value: 'permerror' },
  { title: 'a prefix length with a leading zero is an error', record: 'v=spf1 a/024 -all', value: 'permerror' },
  { title: 'a colon with nothing after it is an error', record: 'v=spf1 a: -all', value: 'permerror' },
  {
    title: 'a name with a final dot is the same name',
    record: 'v=spf1 a:example.com. -all',
    ip: '192.0.2.10',
    value: 'pass',
  },
  { title: 'a numeric top label is an error', record: 'v=spf1 a:111.222.33.44 -all', value: 'permerror' },
  { title: 'a single label is an error', record: 'v=spf1 a:museum -all', value: 'permerror' },
  { title: 'a port after a domain is an error', record: 'v=spf1 a:example.com:8080 -all', value: 'permerror' },
  {
    title: 'a matches the IPv6 address of an IPv6 client',
    record: 'v=spf1 a:six.example.com -all',
    zone: { 'six.example.com': { AAAA: [six] } },
    ip: six,
    value: 'pass',
  },
  {
    title: 'a with two prefix lengths takes the second for IPv6',
    record: 'v=spf1 a:six.example.com/32//64 -all',
    zone: { 'six.example.com': { AAAA: ['2001:db8:0:cb01::1'], A: ['192.0.2.250'] } },
    ip: six,
    value: 'pass',
  },
  {
    title: 'a with two prefix lengths takes the first for IPv4',
    record: 'v=spf1 a:six.example.com/32//0 -all',
    zone: { 'six.example.com': { AAAA: ['2001:db8:0:cb01::1'], A: ['192.0.2.250'] } },
    ip: '192.0.2.251',
    value: 'fail',
  },
  {
    title: 'a name server that fails makes a temperror of a',
    record: 'v=spf1 a:example.net ip4:192.0.2.1 -all',
    zone: { 'example.net': { fails: 'SERVFAIL' } },
    value: 'temperror',
  },
  {
    title: 'a name server that does not answer makes a temperror of a',
    record: 'v=spf1 a:example.net -all',
    zone: { 'example.net': { fails: 'timeout' } },
    value: 'temperror',
  },
  {
    title: 'a of a name that does not exist does not match',
    record: 'v=spf1 a:no.example.com ~all',
    value: 'softfail',
  },

  // mx
  {
    title: 'mx does not fall back to the address of a domain without exchangers',
    record: 'v=spf1 mx:amy.example.com -all',
    ip: '192.0.2.65',
    value: 'fail',
  },
  { title: 'mx with a final dot is the same', record: 'v=spf1 mx:example.com. -all', ip: '192.0.2.129', value: 'pass' },
  {
    title: 'a null MX matches nobody',
    record: 'v=spf1 mx:example.net -all',
    zone: { 'example.net': { MX: ['0 .'] } },
    value: 'fail',
  },
  {
    title: 'an exchanger that does not exist is passed over',
    record: 'v=spf1 mx:example.net -all',
    zone: { 'example.net': { MX: ['10 no.example.net', '20 amy.example.com'] } },
    ip: '192.0.2.65',
    value: 'pass',
  },
  {
    title: 'mx matches an IPv6 client with the IPv6 prefix length',
    record: 'v=spf1 mx:example.net//32 -all',
    zone: { 'example.net': { MX: ['10 m.example.net'] }, 'm.example.net': { AAAA: ['2001:db8::1'] } },
    ip: six,
    value: 'pass',
  },
  {
    title: 'an exchanger whose DNS fails is a temperror',
    record: 'v=spf1 mx:example.net -all',
    zone: { 'example.net': { MX: ['10 m.example.net'] }, 'm.example.net': { fails: 'SERVFAIL' } },
    value: 'temperror',
  },

  // ptr
  {
    title: 'ptr with a domain looks for names in that domain',
    record: 'v=spf1 ptr:example.org -all',
    ip: '192.0.2.140',
    value: 'pass',
  },
  {
    title: 'ptr does not take the end of a label for a domain',
    record: 'v=spf1 ptr:ample.com -all',
    ip: '192.0.2.65',
    value: 'fail',
  },
  { title: 'ptr of a client without names does not match', record: 'v=spf1 ptr -all', ip: '192.0.2.99', value: 'fail' },
  {
    title: 'a reverse zone that fails does not match',
    record: 'v=spf1 ptr ~all',
    zone: { '192.0.2.99': { fails: 'SERVFAIL' } },
    ip: '192.0.2.99',
    value: 'softfail',
  },
  { title: 'ptr takes no prefix length', record: 'v=spf1 ptr/0 -all', value: 'permerror' },
  {
    title: 'ptr finds the name of an IPv6 client',
    record: 'v=spf1 ptr -all',
    zone: { [six]: { PTR: ['six.example.com'] }, 'six.example.com': { AAAA: [six] } },
    ip: six,
    value: 'pass',
  },
  {
    title: 'ptr passes over a name whose DNS fails',
    record: 'v=spf1 ptr -all',
    zone: {
      '192.0.2.99': { PTR: ['broken.example.com', 'good.example.com'] },
      'broken.example.com': { fails: 'SERVFAIL' },
      'good.example.com': { A: ['192.0.2.99'] },
    },
    ip: '192.0.2.99',
    value: 'pass',
  },

  // ip4, ip6
  { title: 'ip4 without a length is one address', record: 'v=spf1 ip4:192.0.2.2 -all', value: 'fail' },
  { title: 'ip4 of length 0 is all of IPv4', record: 'v=spf1 ip4:1.1.1.1/0 -all', value: 'pass' },
  { title: 'ip4 of length 0 is none of IPv6', record: 'v=spf1 ip4:1.1.1.1/0 -all', ip: six, value: 'fail' },
  { title: 'ip4 of length 32 is one address', record: 'v=spf1 ip4:192.0.2.1/32 -all', value: 'pass' },
  { title: 'ip4 of length 33 is an error', record: 'v=spf1 ip4:192.0.2.1/33 -all', value: 'permerror' },
  { title: 'ip4 with an empty length is an error', record: 'v=spf1 ip4:192.0.2.1/ -all', value: 'permerror' },
  { title: 'ip4 with an IPv6 length is an error', record: 'v=spf1 ip4:192.0.2.1//32 -all', value: 'permerror' },
  { title: 'ip4 with three numbers is an error', record: 'v=spf1 ip4:192.0.2 -all', value: 'permerror' },
  { title: 'ip4 with a number above 255 is an error', record: 'v=spf1 ip4:192.0.2.256 -all', value: 'permerror' },
  { title: 'ip4 with a port is an error', record: 'v=spf1 ip4:192.0.2.1:8080 -all', value: 'permerror' },
  { title: 'ip4 without an address is an error', record: 'v=spf1 ip4 -all', value: 'permerror' },
  {
    title: 'ip6 matches its address however it is written',
    record: 'v=spf1 ip6:2001:DB8:0:CB01:0:0:0:10 -all',
    ip: six,
    value: 'pass',
  },
  { title: 'ip6 matches its network', record: 'v=spf1 ip6:2001:db8::/32 -all', ip: six, value: 'pass' },
  { title: 'ip6 does not match another network', record: 'v=spf1 ip6:2001:db9::/32 -all', ip: six, value: 'fail' },
  { title: 'ip6 of length 0 is all of IPv6', record: 'v=spf1 ip6:::1/0 -all', ip: six, value: 'pass' },
  { title: 'ip6 of length 0 is none of IPv4', record: 'v=spf1 ip6:::1/0 -all', value: 'fail' },
  { title: 'ip6 of length 129 is an error', record: 'v=spf1 ip6:2001:db8::/129 -all', value: 'permerror' },
  { title: 'ip6 with a broken address is an error', record: 'v=spf1 ip6:2001:db8:::1 -all', value: 'permerror' },
  { title: 'ip6 without an address is an error', record: 'v=spf1 ip6 -all', value: 'permerror' },
  {
    title: 'an IPv4-mapped client is an IPv4 client',
    record: 'v=spf1 ip4:192.0.2.1 -all',
    ip: '::ffff:192.0.2.1',
    value: 'pass',
  },
  {
    title: 'an IPv4-mapped client is no IPv6 client',
    record: 'v=spf1 ip6:::ffff:192.0.2.1 -all',
    ip: '::ffff:192.0.2.1',
    value: 'fail',
  },

  // exists
  {
    title: 'exists matches any address',
    record: 'v=spf1 exists:flag.example.net -all',
    zone: { 'flag.example.net': { A: ['127.0.0.2'] } },
    value: 'pass',
  },
  {
    title: 'exists looks for IPv4 addresses even for an IPv6 client',
    record: 'v=spf1 exists:flag.example.net -all',
    zone: { 'flag.example.net': { A: ['127.0.0.2'] } },
    ip: six,
    value: 'pass',
  },
  {
    title: 'exists does not match IPv6 addresses',
    record: 'v=spf1 exists:flag.example.net -all',
    zone: { 'flag.example.net': { AAAA: ['::1'] } },
    ip: six,
    value: 'fail',
  },
  { title: 'exists needs a domain', record: 'v=spf1 exists', value: 'permerror' },
  { title: 'exists takes no prefix length', record: 'v=spf1 exists:flag.example.net/24 -all', value: 'permerror' },
  {
    title: 'a name server that fails makes a temperror of exists',
    record: 'v=spf1 exists:flag.example.net -all',
    zone: { 'flag.example.net': { fails: 'SERVFAIL' } },
    value: 'temperror',
  },
])
