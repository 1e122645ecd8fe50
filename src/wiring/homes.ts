// Where the service is at home (dhcp/homes), by the configuration and the interfaces that there are; and how it is told.
import { type Config, dhcpInterfaces } from '../config/load.js'
import { Homes } from '../dhcp/homes.js'
import { networkInterfaces } from '../net/interfaces.js'
import { formatIpv4 } from '../net/ipv4.js'
import { advertisedHost, httpOrigin, ownAddressAmong } from './dhcp-settings.js'

/** None of them has an address yet. */
export const homesOf = (config: Config): Homes => new Homes({
  ownAmong: addresses => ownAddressAmong(config, addresses),
  hostOf: own => advertisedHost(config, own),
  originOf: host => httpOrigin(host, config.http.address)
}, dhcpInterfaces(config))

/** With the addresses that the interfaces have now. */
export function homesHere (config: Config): Homes {
  const homes = homesOf(config)
  const interfaces = networkInterfaces()
  for (const home of homes.all) {
    const { addresses = [], mac } = interfaces.get(home.interface?.name ?? '') ?? {}
    if (addresses.length > 0) home.settle(addresses, mac)
  }
  return homes
}

/** `DHCP server on ens192, proxy on ens224`; '' where there is none. */
export const dhcpText = (config: Config): string => {
  const text = dhcpInterfaces(config).map(({ name, mode }) => `${mode} on ${name}`).join(', ')
  return text === '' ? '' : `DHCP ${text}`
}

/** For the log: where DHCP is answered, as what, and as whom. */
export const homesTold = ({ all }: Homes): Readonly<Record<string, unknown>> => {
  const told = all.flatMap(({ interface: at, own }) => at === undefined
    ? []
    : [{ dhcp: at.mode, interface: at.name, ...own !== undefined && { address: formatIpv4(own) } }])
  return told.length === 1 ? { ...told[0] } : told.length === 0 ? {} : { interfaces: told }
}
