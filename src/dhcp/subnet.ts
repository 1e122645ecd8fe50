// What the server knows of each subnet it serves, and from which of them a request comes: RFC 2131 section 4.3.1, RFC 3527
// (link selection by a relay agent), RFC 3011 (subnet selection).
import { contains, type Ipv4, type Subnet, unspecified } from '../net/ipv4.js'
import type { DhcpPacket } from './packet.js'
import { linkSelection } from './relay-agent.js'

export interface AddressRange { readonly first: Ipv4, readonly last: Ipv4 }

export interface DhcpSubnet {
  readonly subnet: Subnet
  /** Subnets with the same name share a wire, for relay agents with an address in only one of them. */
  readonly link?: string
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
export const isHostAddress = ({ subnet }: Pick<DhcpSubnet, 'subnet'>, ip: Ipv4): boolean =>
  contains(subnet, ip) && (subnet.prefix >= 31 || (ip !== subnet.network && ip !== subnet.broadcast))

/** Whether one host may have the address that an answer goes to, or none is named: a broadcast address is everybody's. */
export function mayBeOnes (ip: Ipv4, subnets: ReadonlyArray<Pick<DhcpSubnet, 'subnet'>>): boolean {
  if (ip === unspecified) return true
  const home = subnetWith(subnets, ip)
  if (home !== undefined) return isHostAddress(home, ip)
  return ip >>> 24 !== 127 && ip >>> 24 < 224
}

/** The subnets of one wire, in the order in which they are written: an interface or a relay agent may have several addresses. */
export type Link = readonly DhcpSubnet[]

/**
 * The link that a request comes from: the one its relay agent selects (82.5), else the one it selects itself (118), else the
 * relay agent's own, else that of the receiving interface, which has the addresses `own`. Empty when no subnet of it is served, and for a
 * relay agent with an address that no host has.
 *
 * What a client says of its address picks no link: NetworkManager writes one of another network into the ciaddr of a DISCOVER.
 * Only a renewal, which comes straight to the server through a router, tells nothing else (RFC 2131 section 4.3.2).
 */
export function linkOf (packet: DhcpPacket, subnets: readonly DhcpSubnet[], own: readonly Ipv4[]): Link {
  const { relayAgentInformation, subnetSelection, dhcpMessageType, serverIdentifier } = packet.options
  const relayed = packet.giaddr !== unspecified
  if (!mayBeOnes(packet.giaddr, subnets)) return []
  const selected = (relayed ? linkSelection(relayAgentInformation) : undefined) ?? subnetSelection
  if (selected !== undefined) return linkWith(subnets, [selected])
  if (relayed) return linkWith(subnets, [packet.giaddr])
  const renews = (dhcpMessageType === 'REQUEST' && serverIdentifier === undefined) || dhcpMessageType === 'INFORM'
  const routed = renews && packet.ciaddr !== unspecified ? linkWith(subnets, [packet.ciaddr]) : []
  return routed.length > 0 ? routed : linkWith(subnets, own)
}

/** The subnets that hold one of the addresses, and those that share the name of their link. */
function linkWith (subnets: readonly DhcpSubnet[], addresses: readonly Ipv4[]): Link {
  const here = subnets.filter(({ subnet }) => addresses.some(ip => contains(subnet, ip)))
  const names = new Set(here.map(({ link }) => link).filter(name => name !== undefined))
  return names.size === 0 ? here : subnets.filter(subnet => here.includes(subnet) || (subnet.link !== undefined && names.has(subnet.link)))
}

/** The subnet of the link that holds the address. */
export const subnetWith = <T extends Pick<DhcpSubnet, 'subnet'>> (link: readonly T[], ip: Ipv4): T | undefined => link.find(({ subnet }) => contains(subnet, ip))
