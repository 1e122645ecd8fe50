// What the server knows of each subnet it serves, and which of them a request comes from: RFC 2131 section 4.3.1,
// RFC 3527 (link selection by a relay agent).
import { contains, type Ipv4, type Subnet, unspecified } from '../net/ipv4.js'
import type { DhcpPacket } from './packet.js'
import { linkSelection } from './relay-agent.js'

export interface AddressRange { readonly first: Ipv4, readonly last: Ipv4 }

export interface DhcpSubnet {
  readonly subnet: Subnet
  /** Addresses for machines without a reservation; without it only reservations are answered. */
  readonly range: AddressRange | undefined
  readonly routers: readonly Ipv4[]
  readonly dnsServers: readonly Ipv4[]
  readonly domainName: string
  readonly ntpServers: readonly Ipv4[]
  /** Seconds. */
  readonly leaseTime: number
  /** Further options by number, already in wire form. */
  readonly options: ReadonlyMap<number, Uint8Array>
}

export const inRange = (range: AddressRange | undefined, ip: Ipv4): boolean => range !== undefined && ip >= range.first && ip <= range.last

/** Whether a host may have the address at all: not the network's own nor its broadcast address (point-to-point links have neither). */
export const isHostAddress = ({ subnet }: DhcpSubnet, ip: Ipv4): boolean =>
  contains(subnet, ip) && (subnet.prefix >= 31 || (ip !== subnet.network && ip !== subnet.broadcast))

/**
 * The subnet a request belongs to: the one its relay agent selects, else the relay agent's own, else that of the address
 * the client has (a renewal sent straight to the server through a router), else the subnet of the receiving interface.
 */
export function subnetFor (packet: DhcpPacket, subnets: readonly DhcpSubnet[], server: Ipv4): DhcpSubnet | undefined {
  const find = (ip: Ipv4): DhcpSubnet | undefined => subnets.find(({ subnet }) => contains(subnet, ip))
  if (packet.giaddr !== unspecified) return find(linkSelection(packet.options.relayAgentInformation) ?? packet.giaddr)
  if (packet.ciaddr !== unspecified) return find(packet.ciaddr) ?? find(server)
  return find(server)
}
