// Which proxy leads to a URL, by the variables that curl(1) goes by: http_proxy, https_proxy, all_proxy and no_proxy, in small
// letters or in capitals.
import { BlockList, isIP } from 'node:net'
import { AppError } from '../base/errors.js'

export type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/** The proxy for a URL; undefined for none. AppError config_invalid says which variable names no proxy. */
export function proxyFor (url: URL, env: ProxyEnvironment): URL | undefined {
  const [name, text] = setting(url.protocol === 'https:' ? ['https_proxy', 'http_proxy', 'all_proxy'] : ['http_proxy', 'all_proxy'], env) ?? ['', '']
  if (text === '' || isExcepted(url, setting(['no_proxy'], env)?.[1] ?? '')) return undefined
  // As people write it: proxy.example.com:3128
  const written = /^[a-z][\w+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const proxy = URL.canParse(written) ? new URL(written) : undefined
  if (proxy !== undefined && /^https?:$/.test(proxy.protocol) && proxy.hostname !== '') return proxy
  // It may hold a password, so it is not shown.
  throw new AppError('config_invalid', `${name} in the environment names no HTTP proxy: expected http://HOST:PORT`)
}

/** The first that is set, in small letters before capitals, with its name. */
function setting (names: readonly string[], env: ProxyEnvironment): readonly [string, string] | undefined {
  for (const name of names.flatMap(small => [small, small.toUpperCase()])) {
    const value = env[name]?.trim()
    if (value !== undefined && value !== '') return [name, value]
  }
  return undefined
}

/** Names with all below them, addresses, prefixes (10.0.0.0/8) and `*`, each also with a port. */
function isExcepted ({ hostname, port, protocol }: URL, list: string): boolean {
  const host = bare(hostname)
  const ownPort = port === '' ? (protocol === 'https:' ? '443' : '80') : port
  return list.split(/[\s,]+/).filter(entry => entry !== '').some(entry => {
    if (entry === '*') return true
    const [, name = entry, entryPort] = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry) ?? []
    if (entryPort !== undefined && entryPort !== ownPort) return false
    const wanted = bare(name.replace(/^\*?\./, ''))
    if (isIP(host) !== 0) return wanted === host || isWithin(host, wanted)
    return host === wanted || host.endsWith(`.${wanted}`)
  })
}

/** Without the brackets of IPv6 and the dot at the end of a name. */
const bare = (host: string): string => host.toLowerCase().replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')

function isWithin (address: string, prefix: string): boolean {
  const [, network = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(prefix) ?? []
  const family = isIP(address)
  if (isIP(network) !== family || Number(bits) > (family === 4 ? 32 : 128)) return false
  const list = new BlockList()
  list.addSubnet(network, Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  return list.check(address, family === 4 ? 'ipv4' : 'ipv6')
}
