import { appendixA, cases } from './spf_support.ts'

/** RFC 7208 appendix A. */
const users = {
  'example.com': { TXT: ['v=spf1 mx include:mobile-users._spf.%{d} include:remote-users._spf.%{d} -all'] },
  'mobile-users._spf.example.com': { TXT: ['v=spf1 exists:%{l1r+}.%{d}'] },
  'remote-users._spf.example.com': { TXT: ['v=spf1 exists:%{ir}.%{l1r+}.%{d}'] },
  'mary.mobile-users._spf.example.com': { A: ['127.0.0.2'] },
  'fred.mobile-users._spf.example.com': { A: ['127.0.0.2'] },
  '15.15.168.192.joel.remote-users._spf.example.com': { A: ['127.0.0.2'] },
  '16.15.168.192.joel.remote-users._spf.example.com': { A: ['127.0.0.2'] },
}

const both = {
  'example.com': { TXT: ['v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} +all'] },
  'ip4._spf.example.com': { TXT: ['v=spf1 -ip4:192.0.2.0/24 +all'] },
  'ptr._spf.example.com': { TXT: ['v=spf1 -ptr:example.com +all'] },
}

const organisation = {
  'example.org': { TXT: ['v=spf1 include:example.com include:example.net -all'] },
  'la.example.org': { TXT: ['v=spf1 redirect=example.org'] },
  'example.com': { TXT: ['v=spf1 ip4:192.0.2.128/28 -all'] },
  'example.net': { TXT: ['v=spf1 ip4:198.51.100.7 -all'] },
}

cases(appendixA, [
  { title: 'with +all any client passes', record: 'v=spf1 +all', ip: '203.0.113.9', value: 'pass' },
  { title: 'with a an address of the domain passes', record: 'v=spf1 a -all', ip: '192.0.2.10', value: 'pass' },
  { title: 'with a each address of the domain passes', record: 'v=spf1 a -all', ip: '192.0.2.11', value: 'pass' },
  { title: 'with a other addresses fail', record: 'v=spf1 a -all', ip: '192.0.2.65', value: 'fail' },
  {
    title: 'with a:DOMAIN nobody passes when that domain has no addresses',
    record: 'v=spf1 a:example.org -all',
    ip: '192.0.2.140',
    value: 'fail',
  },
  { title: 'with mx the first mail exchanger passes', record: 'v=spf1 mx -all', ip: '192.0.2.129', value: 'pass' },
  { title: 'with mx the second mail exchanger passes', record: 'v=spf1 mx -all', ip: '192.0.2.130', value: 'pass' },
  { title: 'with mx the domain itself fails', record: 'v=spf1 mx -all', ip: '192.0.2.10', value: 'fail' },
  {
    title: 'with mx:DOMAIN the mail exchanger of that domain passes',
    record: 'v=spf1 mx:example.org -all',
    ip: '192.0.2.140',
    value: 'pass',
  },
  {
    title: 'two mx terms let the exchangers of the first domain pass',
    record: 'v=spf1 mx mx:example.org -all',
    ip: '192.0.2.130',
    value: 'pass',
  },
  {
    title: 'two mx terms let the exchangers of the second domain pass',
    record: 'v=spf1 mx mx:example.org -all',
    ip: '192.0.2.140',
    value: 'pass',
  },
  {
    title: 'mx with a prefix length lets the neighbours of an exchanger pass',
    record: 'v=spf1 mx/30 mx:example.org/30 -all',
    ip: '192.0.2.131',
    value: 'pass',
  },
  {
    title: 'mx with a prefix length lets the neighbours of the other exchanger pass',
    record: 'v=spf1 mx/30 mx:example.org/30 -all',
    ip: '192.0.2.143',
    value: 'pass',
  },
  {
    title: 'mx with a prefix length ends where the network ends',
    record: 'v=spf1 mx/30 mx:example.org/30 -all',
    ip: '192.0.2.132',
    value: 'fail',
  },
  {
    title: 'with ptr a host whose name is in the domain passes',
    record: 'v=spf1 ptr -all',
    ip: '192.0.2.65',
    value: 'pass',
  },
  { title: 'with ptr a host of another domain fails', record: 'v=spf1 ptr -all', ip: '192.0.2.140', value: 'fail' },
  {
    title: 'with ptr a host fails whose name does not lead back to it',
    record: 'v=spf1 ptr -all',
    ip: '10.0.0.4',
    value: 'fail',
  },
  {
    title: 'with ip4 a host of the network passes',
    record: 'v=spf1 ip4:192.0.2.128/28 -all',
    ip: '192.0.2.129',
    value: 'pass',
  },
  { title: 'with ip4 a host outside fails', record: 'v=spf1 ip4:192.0.2.128/28 -all', ip: '192.0.2.65', value: 'fail' },
  {
    title: 'the hosts of an included domain pass',
    zone: organisation,
    sender: 'a@example.org',
    ip: '192.0.2.129',
    value: 'pass',
  },
  {
    title: 'the hosts of a second included domain pass, though the first fails them',
    zone: organisation,
    sender: 'a@example.org',
    ip: '198.51.100.7',
    value: 'pass',
  },
  {
    title: 'a redirected domain has the result of the one it is redirected to',
    zone: organisation,
    sender: 'a@la.example.org',
    ip: '198.51.100.8',
    value: 'fail',
  },
  {
    title: 'a mobile user passes from anywhere',
    zone: users,
    sender: 'mary@example.com',
    ip: '203.0.113.4',
    value: 'pass',
  },
  {
    title: 'a remote user passes from the right address',
    zone: users,
    sender: 'joel@example.com',
    ip: '192.168.15.15',
    value: 'pass',
  },
  {
    title: 'a remote user fails from another address',
    zone: users,
    sender: 'joel@example.com',
    ip: '192.168.15.17',
    value: 'fail',
  },
  {
    title: 'a user with a + detail is found by what stands before it',
    zone: users,
    sender: 'fred+list@example.com',
    ip: '203.0.113.4',
    value: 'pass',
  },
  { title: 'an unknown user fails', zone: users, sender: 'nobody@example.com', ip: '203.0.113.4', value: 'fail' },
  { title: 'with two requirements a host that meets both passes', zone: both, ip: '192.0.2.65', value: 'pass' },
  { title: 'with two requirements a host with the wrong name fails', zone: both, ip: '192.0.2.140', value: 'fail' },
  { title: 'with two requirements a host of another network fails', zone: both, ip: '10.0.0.4', value: 'fail' },
])
