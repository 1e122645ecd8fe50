// The server's messages: RFC 2131 section 4.3 (fields, table 3), RFC 2132, RFC 6842 (client identifier goes back),
// RFC 3046 (so does relay agent information).
import { formatIpv4, type Ipv4, unspecified } from '../net/ipv4.js'
import type { BootFile } from './boot-file.js'
import type { ClientInfo } from './client-info.js'
import { broadcastFlag, defaultDatagram, ipUdpHeader, op } from './constants.js'
import { type MutableOptions, optionTable, type OptionName, type Options } from './options.js'
import type { DhcpPacket } from './packet.js'
import { pxeOptions } from './pxe.js'
import type { Reservation } from './reservations.js'
import type { DhcpSubnet } from './subnet.js'

export interface ReplyParts {
  readonly request: DhcpPacket
  readonly client: ClientInfo
  readonly server: Ipv4
  readonly subnet: DhcpSubnet
  readonly reservation: Reservation | undefined
  readonly bootFile: BootFile | undefined
  readonly hostName: string | undefined
}

/** OFFER and ACK of an address, `seconds` long. */
export function addressReply (type: 'OFFER' | 'ACK', yiaddr: Ipv4, seconds: number, parts: ReplyParts): DhcpPacket {
  return {
    ...frame(parts.request, parts.request.ciaddr),
    yiaddr,
    ...bootFields(parts),
    options: withRaw(parts, {
      dhcpMessageType: type,
      serverIdentifier: parts.server,
      ipAddressLeaseTime: seconds,
      ...identity(parts.request),
      ...bootOptions(parts),
      renewalTime: Math.floor(seconds / 2),
      rebindingTime: Math.floor(seconds * 7 / 8),
      ...networkOptions(parts)
    })
  }
}

/** The answer to INFORM: the same without an address or times (RFC 2131 section 4.3.5). */
export function informReply (parts: ReplyParts): DhcpPacket {
  return {
    ...frame(parts.request, parts.request.ciaddr),
    ...bootFields(parts),
    options: withRaw(parts, {
      dhcpMessageType: 'ACK',
      serverIdentifier: parts.server,
      ...identity(parts.request),
      ...bootOptions(parts),
      ...networkOptions(parts)
    })
  }
}

/** NAK: the address can't be had. Through a relay agent it must be broadcast on the client's link (RFC 2131 section 4.3.2). */
export function nakReply (request: DhcpPacket, server: Ipv4, message: string): DhcpPacket {
  const base = frame(request, unspecified)
  return {
    ...base,
    flags: request.giaddr === unspecified ? base.flags : base.flags | broadcastFlag,
    options: { dhcpMessageType: 'NAK', serverIdentifier: server, message, ...identity(request) }
  }
}

/** How many octets of UDP payload the client takes: its option 57 (an IP datagram's size), within one Ethernet frame. */
export function replyLimit (request: DhcpPacket): number {
  const datagram = Math.max(defaultDatagram, Math.min(request.options.maximumDhcpMessageSize ?? defaultDatagram, 1500))
  return datagram - ipUdpHeader
}

export const frame = (request: DhcpPacket, ciaddr: Ipv4): Omit<DhcpPacket, 'options'> => ({
  op: op.bootReply,
  htype: request.htype,
  hops: 0,
  xid: request.xid,
  secs: 0,
  flags: request.flags,
  ciaddr,
  yiaddr: unspecified,
  siaddr: unspecified,
  giaddr: request.giaddr,
  chaddr: request.chaddr,
  sname: '',
  file: ''
})

export function identity (request: DhcpPacket): MutableOptions {
  const { clientIdentifier, relayAgentInformation } = request.options
  return {
    ...clientIdentifier !== undefined && { clientIdentifier },
    ...relayAgentInformation !== undefined && { relayAgentInformation }
  }
}

/** The 128 octets of `file` end with a NUL, so a longer URL goes in option 67 alone. */
const fileFieldLength = 127

/** What of a reply says how to boot. */
export type BootParts = Pick<ReplyParts, 'request' | 'client' | 'server' | 'bootFile'>

/** siaddr, sname and file: what boot ROMs and U-Boot read, whichever options they also know. HTTP Boot has its URL in option 67. */
export function bootFields ({ client, server, bootFile }: BootParts): Pick<DhcpPacket, 'siaddr' | 'sname' | 'file'> {
  if (bootFile === undefined || client.program === 'http') return { siaddr: server, sname: '', file: '' }
  return { siaddr: server, sname: formatIpv4(server), file: bootFile.name.length <= fileFieldLength ? bootFile.name : '' }
}

/** `firmware` is what the client's kind needs beside the file's name; ProxyDHCP says something else there than a DHCP server. */
export function bootOptions ({ request, client, server, bootFile }: BootParts, firmware = pxeOptions(request, client)): MutableOptions {
  if (bootFile === undefined) return {}
  // Old PXE ROMs read options 66 and 67 as C strings and run past their end; strict readers refuse a NUL.
  const end = client.program === 'pxe' || client.program === 'raspberry-pi' ? '\0' : ''
  return {
    ...firmware,
    ...client.program !== 'http' && { tftpServerName: `${formatIpv4(server)}${end}` },
    ...bootFile.name !== '' && { bootfileName: `${bootFile.name}${end}` }
  }
}

/** What the client asked for in option 55 of what its subnet has; all of it when it sent no list. */
function networkOptions ({ request, subnet, hostName }: ReplyParts): MutableOptions {
  const list = request.options.parameterRequestList
  const wanted = (name: OptionName): boolean => list === undefined || list.includes(optionTable[name].code)
  const options: MutableOptions = {}
  if (wanted('subnetMask')) options.subnetMask = subnet.subnet.mask
  if (subnet.routers.length > 0 && wanted('router')) options.router = subnet.routers
  if (subnet.dnsServers.length > 0 && wanted('domainNameServer')) options.domainNameServer = subnet.dnsServers
  if (hostName !== undefined && wanted('hostName')) options.hostName = hostName
  if (subnet.domainName !== '' && wanted('domainName')) options.domainName = subnet.domainName
  if (wanted('broadcastAddress')) options.broadcastAddress = subnet.subnet.broadcast
  if (subnet.ntpServers.length > 0 && wanted('ntpServers')) options.ntpServers = subnet.ntpServers
  return options
}

/**
 * The options that the configuration gives raw in the place of ours, its machine's before its subnet's. They go out whether
 * asked for or not: that is why they are there.
 */
function withRaw ({ subnet, reservation }: ReplyParts, options: MutableOptions): Options {
  const machine = reservation?.options
  const raw = machine === undefined ? subnet.options : new Map([...subnet.options, ...machine])
  if (raw.size === 0) return options
  for (const name of Object.keys(options) as OptionName[]) if (raw.has(optionTable[name].code)) delete options[name]
  return { ...options, other: raw }
}
