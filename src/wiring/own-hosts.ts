// Which hosts in URLs lead to this appliance.
import type { Config } from '../config/load.js'
import { formatIpv4, type Ipv4 } from '../net/ipv4.js'
import { localAddresses } from '../net/interfaces.js'
import { advertisedHost } from './dhcp-settings.js'

/** iPXE's setting for who sent it its boot file, of whichever card; while we answer DHCP that is this appliance. */
const nextServer = /^\$\{(?:[\w.-]+\/)?next-server(?::ipv4)?\}$/

/** Whether a host in a URL leads to this machine; `own` as in `advertisedHost`. */
export function isOwnHost (config: Config, own: Ipv4 | undefined): (host: string) => boolean {
  const hosts = hostsOf(config, own)
  return host => hosts.has(host) || (config.dhcp.mode !== 'off' && nextServer.test(host))
}

/** `isOwnHost` as it is now: the same function for as long as the service's address stays. */
export function ownHosts (config: Config, own: () => Ipv4 | undefined): () => (host: string) => boolean {
  let known = own()
  let isOwn = isOwnHost(config, known)
  return () => {
    if (own() === known) return isOwn
    known = own()
    isOwn = isOwnHost(config, known)
    return isOwn
  }
}

/** The names in URLs that lead to this machine, on whatever port: a proxy of its own may stand before the service. */
function hostsOf (config: Config, own: Ipv4 | undefined): ReadonlySet<string> {
  const script = config.boot.script_url === '' ? [] : [new URL(config.boot.script_url).hostname]
  const hosts = [advertisedHost(config, own), ...script, 'localhost', ...localAddresses().map(({ ip }) => formatIpv4(ip))]
  return new Set(hosts.map(host => host.toLowerCase()))
}
