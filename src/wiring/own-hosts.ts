// Which hosts in URLs lead to this appliance.
import { answersDhcp, type Config } from '../config/load.js'
import { formatIpv4 } from '../net/ipv4.js'
import { localAddresses } from '../net/interfaces.js'
import type { Homes } from '../dhcp/homes.js'

/** iPXE's setting for who sent it its boot file, of whichever card; while we answer DHCP that is this appliance. */
const nextServer = /^\$\{(?:[\w.-]+\/)?next-server(?::ipv4)?\}$/

/** Whether a host in a URL leads to this machine. */
export function isOwnHost (config: Config, homes: Homes): (host: string) => boolean {
  const hosts = hostsOf(config, homes)
  return host => hosts.has(host) || (answersDhcp(config) && nextServer.test(host))
}

/** `isOwnHost` as it is now: the same function for as long as the service's addresses stay. */
export function ownHosts (config: Config, homes: Homes): () => (host: string) => boolean {
  const addresses = (): string => homes.addresses.join(' ')
  let known = addresses()
  let isOwn = isOwnHost(config, homes)
  return () => {
    const now = addresses()
    if (now !== known) isOwn = isOwnHost(config, homes)
    known = now
    return isOwn
  }
}

/** The names in URLs that lead to this machine, on whatever port: a proxy of its own may stand before the service. */
function hostsOf (config: Config, homes: Homes): ReadonlySet<string> {
  const script = config.boot.script_url === '' ? [] : [new URL(config.boot.script_url).hostname]
  const hosts = [...homes.all.map(({ host }) => host), ...script, 'localhost', ...localAddresses().map(({ ip }) => formatIpv4(ip))]
  return new Set(hosts.map(host => host.toLowerCase()))
}
