// Where a reply goes: RFC 2131 sections 4.1 and 4.3.5, RFC 1542 section 5.4.
import { type Ipv4, limitedBroadcast, unspecified } from '../net/ipv4.js'
import { ports } from './constants.js'
import type { DhcpPacket } from './packet.js'

export interface Destination { readonly ip: Ipv4, readonly port: number }

/**
 * A relayed request is answered to its relay agent's server port, a client that has its address to that address, and one
 * that has none yet by broadcast, whatever its broadcast flag says: unicast to an address not yet configured needs the
 * ARP table written, which a process without privileges can't do. A client has the address it writes in ciaddr when the
 * reply confirms it, or gives none (INFORM); whatever else a stranger writes there draws no packet to that address.
 *
 * The answer to INFORM goes to the client even when a relay agent passed the question on (section 4.3.5): the agent takes
 * it for the answer to nothing.
 */
export function destinationOf (request: DhcpPacket, reply: DhcpPacket): Destination {
  if (request.options.dhcpMessageType === 'INFORM' && request.ciaddr !== unspecified) return { ip: request.ciaddr, port: ports.client }
  if (request.giaddr !== unspecified) return { ip: request.giaddr, port: ports.server }
  const confirmed = reply.options.dhcpMessageType === 'ACK' && (reply.yiaddr === request.ciaddr || reply.yiaddr === unspecified)
  return { ip: confirmed && request.ciaddr !== unspecified ? request.ciaddr : limitedBroadcast, port: ports.client }
}
