// Why a machine that is enrolled, or adopted, can't have an address for good.
import { contains, formatIpv4, type Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { isActive, type Lease } from './leases.js'
import type { Reservation } from './reservations.js'
import { type DhcpSubnet, isHostAddress } from './subnet.js'

export interface TakenAddresses {
  readonly reserved: { readonly get: (ip: Ipv4) => Reservation | undefined }
  /** Of the service itself. */
  readonly own: { readonly has: (ip: Ipv4) => boolean }
  readonly subnets: readonly DhcpSubnet[]
  /** Whether addresses are given from these subnets alone. */
  readonly isServer: boolean
  readonly leases: { readonly get: (ip: Ipv4) => Lease | undefined }
  readonly now: number
}

/** undefined when it can have it. */
export function addressTaken (ip: Ipv4, mac: Mac, { reserved, own, subnets, isServer, leases, now }: TakenAddresses): string | undefined {
  const holder = reserved.get(ip)
  if (holder !== undefined && !holder.macs.includes(mac)) return `${holder.source} has it for ${holder.macs.join(', ')}`
  if (own.has(ip)) return 'that is an address of this service'
  const subnet = subnets.find(({ subnet }) => contains(subnet, ip))
  if (isServer && subnet === undefined) return 'no subnet of dhcp.subnets holds it'
  if (subnet !== undefined && !isHostAddress(subnet, ip)) return 'that is the network or broadcast address'
  if (subnet?.routers.includes(ip) === true) return 'that is the address of a router'
  const lease = leases.get(ip)
  if (lease === undefined || lease.mac === mac || !isActive(lease, now)) return undefined
  return `it is leased to ${lease.mac} (core-provisioner leases release ${formatIpv4(ip)})`
}
