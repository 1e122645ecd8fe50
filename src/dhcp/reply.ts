// The server's messages: RFC 2131 section 4.3 (fields, table 3), RFC 2132, RFC 6842 (client identifier goes back),
// RFC 3046 (so does relay agent information), RFC 3011 (and the subnet selection).
import { isNul, withoutTail } from '../net/bytes.js'
import { formatIpv4, type Ipv4, parseIpv4, unspecified } from '../net/ipv4.js'
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
  /** What the client is to know the server by: its relay agent's address where that wants it so (RFC 5107), else `server`. */
  readonly serverIdentifier: Ipv4
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
    ...withRawBoot(parts, bootFields(parts)),
    options: withRaw(parts, {
      dhcpMessageType: type,
      serverIdentifier: parts.serverIdentifier,
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
    ...withRawBoot(parts, bootFields(parts)),
    options: withRaw(parts, {
      dhcpMessageType: 'ACK',
      serverIdentifier: parts.serverIdentifier,
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
  const { clientIdentifier, relayAgentInformation, subnetSelection } = request.options
  return {
    ...clientIdentifier !== undefined && { clientIdentifier },
    ...subnetSelection !== undefined && { subnetSelection },
    ...relayAgentInformation !== undefined && { relayAgentInformation }
  }
}

/** The 128 octets of `file` end with a NUL, so a longer URL goes in option 67 alone. */
const fileFieldLength = 127
const snameFieldLength = 63

/** What of a reply says how to boot. */
export type BootReplyParts = Pick<ReplyParts, 'request' | 'client' | 'server' | 'bootFile'>

/** siaddr, sname and file: what boot ROMs and U-Boot read, whichever options they also know. HTTP Boot has its URL in option 67. */
export function bootFields ({ client, server, bootFile }: BootReplyParts): Pick<DhcpPacket, 'siaddr' | 'sname' | 'file'> {
  if (bootFile === undefined || client.program === 'http') return { siaddr: server, sname: '', file: '' }
  return { siaddr: server, sname: formatIpv4(server), file: bootFile.name.length <= fileFieldLength ? bootFile.name : '' }
}

/** `firmware` is what the client's kind needs beside the file's name; ProxyDHCP says something else there than a DHCP server. */
export function bootOptions (
  { request, client, server, bootFile }: BootReplyParts, firmware = pxeOptions(request, client)
): MutableOptions {
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
function networkOptions ({ request, client, subnet, hostName }: ReplyParts): MutableOptions {
  const list = request.options.parameterRequestList
  const wanted = (name: OptionName): boolean => list === undefined || list.includes(optionTable[name].code)
  const options: MutableOptions = {}
  // The ROM of a Raspberry Pi 3 does not ask for mask and router, and finds no server behind a router without them.
  const boots = client.program !== 'other'
  if (boots || wanted('subnetMask')) options.subnetMask = subnet.subnet.mask
  if (subnet.routers.length > 0 && (boots || wanted('router'))) options.router = subnet.routers
  if (subnet.dnsServers.length > 0 && wanted('domainNameServer')) options.domainNameServer = subnet.dnsServers
  if (hostName !== undefined && wanted('hostName')) options.hostName = hostName
  if (subnet.domainName !== '' && wanted('domainName')) options.domainName = subnet.domainName
  if (wanted('broadcastAddress')) options.broadcastAddress = subnet.subnet.broadcast
  if (subnet.ntpServers.length > 0 && wanted('ntpServers')) options.ntpServers = subnet.ntpServers
  return options
}

/** The options that the configuration gives raw, the machine's before its subnet's. */
function rawOptions ({ subnet, reservation }: Pick<ReplyParts, 'subnet' | 'reservation'>): ReadonlyMap<number, Uint8Array> {
  const machine = reservation?.options
  return machine === undefined || machine.size === 0 ? subnet.options : new Map([...subnet.options, ...machine])
}

/**
 * Raw options take the place of ours. They go out whether asked for or not: that is why they are there.
 */
function withRaw (parts: ReplyParts, options: MutableOptions): Options {
  const raw = rawOptions(parts)
  if (raw.size === 0) return options
  for (const name of Object.keys(options) as OptionName[]) if (raw.has(optionTable[name].code)) delete options[name]
  return { ...options, other: raw }
}

type BootFields = ReturnType<typeof bootFields>

/** Raw options 66 and 67 say the same as the fields: which of the two a ROM reads is its own affair. */
function withRawBoot (parts: ReplyParts, fields: BootFields): BootFields {
  const raw = rawOptions(parts)
  if (raw.size === 0) return fields
  const [server, file] = [raw.get(optionTable.tftpServerName.code), raw.get(optionTable.bootfileName.code)].map(rawText)
  const name = server ?? fields.sname
  return {
    // A server by its name has no address here: a client that reads siaddr alone would ask us.
    siaddr: server === undefined ? fields.siaddr : parseIpv4(server) ?? unspecified,
    sname: name.length <= snameFieldLength ? name : '',
    file: file === undefined ? fields.file : file.length <= fileFieldLength ? file : ''
  }
}

const rawText = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : withoutTail(Buffer.from(value), isNul).toString('latin1')
