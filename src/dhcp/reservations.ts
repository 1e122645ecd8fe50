// Fixed bindings of a hardware address to an IPv4 address, from the configuration, from host files and from groups.
// A bad one is refused alone, and the rest stays in force.
import { contains, formatIpv4, type Ipv4 } from '../net/ipv4.js'
import { type Mac, nobodys } from '../net/mac.js'
import { isActive, type Lease } from './leases.js'
import { type DhcpSubnet, isHostAddress, type Link, subnetWith } from './subnet.js'

export interface Reservation {
  readonly macs: readonly Mac[]
  readonly ip: Ipv4
  readonly hostName: string | undefined
  /** Options of this machine by number, in wire form; they win over its subnet's. */
  readonly options?: ReadonlyMap<number, Uint8Array>
  /** Where a person wrote it: `config.yaml:31`, `group core-1`. */
  readonly source: string
}

export interface Reservations {
  readonly byMac: ReadonlyMap<Mac, readonly Reservation[]>
  readonly byIp: ReadonlyMap<Ipv4, Reservation>
  /** One line for each entry that is not in force, with its source and why. */
  readonly problems: readonly string[]
}

interface InForce {
  readonly byMac: { readonly get: (mac: Mac) => readonly Reservation[] | undefined }
  readonly byIp: { readonly get: (ip: Ipv4) => Reservation | undefined }
}

/** Why an entry cannot be in force beside those that are; undefined when it can. `own` are the service's own addresses. */
export function refusal (
  entry: Reservation, subnets: readonly DhcpSubnet[], own: readonly Ipv4[], { byMac, byIp }: InForce
): string | undefined {
  const subnet = subnets.find(({ subnet }) => contains(subnet, entry.ip))
  if (subnet === undefined) return 'no subnet of dhcp.subnets holds that address'
  if (!isHostAddress(subnet, entry.ip)) return 'that is the network or broadcast address'
  if (own.includes(entry.ip)) return 'that is the address of this service'
  if (subnet.routers.includes(entry.ip)) return 'that is the address of a router'
  for (const mac of entry.macs) {
    const why = nobodys(mac)
    if (why !== undefined) return `${mac} is no machine's address: ${why}`
  }
  const holder = byIp.get(entry.ip)
  if (holder !== undefined && !sameMacs(holder, entry)) return `${holder.source} has it already for ${holder.macs.join(', ')}`
  for (const mac of entry.macs) {
    const before = byMac.get(mac)?.find(({ ip }) => ip !== entry.ip && contains(subnet.subnet, ip))
    if (before !== undefined) return `${before.source} gives ${mac} the address ${formatIpv4(before.ip)} in the same subnet`
  }
  return undefined
}

const sameMacs = (a: Reservation, b: Reservation): boolean => a.macs.length === b.macs.length && a.macs.every(mac => b.macs.includes(mac))

/** The machine's reservation on the link; of several the one it asks for, else the one in the subnet that is written first. */
export function reservationFor (reservations: Reservations, mac: Mac, link: Link, requested?: Ipv4): Reservation | undefined {
  const here = reservations.byMac.get(mac)?.filter(({ ip }) => subnetWith(link, ip) !== undefined) ?? []
  return here.find(({ ip }) => ip === requested) ?? link.flatMap(({ subnet }) => here.find(({ ip }) => contains(subnet, ip)) ?? [])[0]
}

/** The leases of machines that lost the reservation they had them by: those end with it. */
export const leasesWithout = (leases: Iterable<Lease>, before: Reservations, after: Reservations, now: number): readonly Lease[] =>
  before.byIp === after.byIp
    ? []
    : [...leases].filter(({ ip, mac, ...lease }) => lease.state === 'bound' && isActive({ ip, mac, ...lease }, now) &&
    before.byIp.get(ip)?.macs.includes(mac) === true && after.byIp.get(ip)?.macs.includes(mac) !== true)
