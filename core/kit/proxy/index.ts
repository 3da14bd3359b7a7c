export { ProxyError, type ProxyHeader, scanProxyHeader } from './header.ts'
export { readProxyHeader } from './read.ts'
export { Networks, plainIp } from './trust.ts'
