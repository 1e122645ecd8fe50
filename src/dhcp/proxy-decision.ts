// ProxyDHCP: boot data for machines whose addresses another server gives (PXE 2.1 section 2.2 and 3; edk2 PxeBcDhcp4).
// One request in, one outcome out. It answers boot clients and nobody else, never with an address, and never a NAK.
//
// On port 67 a DISCOVER is offered what to boot; the client adds that to the other server's lease. On port 4011, the boot
// server, whoever asks is told again: some boards always ask there, others when the offer names no file, and edk2 takes an
// offer with `PXEClient` and without option 43 for an order to do so.
import { formatIpv4, type Ipv4, limitedBroadcast, unspecified } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { type BootConfig, type BootFile, bootFileFor, type BootQuery, uefiStyleFor } from './boot-file.js'
import { type ClientInfo, type ClientMessage, hardwareFault } from './client-info.js'
import { op, ports } from './constants.js'
import { type Destination, destinationOf } from './destination.js'
import type { MutableOptions } from './options.js'
import type { DhcpPacket } from './packet.js'
import { bootDirectly, bootServerVendorOptions, machineIdentifier, pxeOptions } from './pxe.js'
import { bootFields, bootOptions, frame, identity } from './reply.js'
import { type DhcpSubnet, mayBeOnes, subnetWith } from './subnet.js'

export interface ProxyContext {
  /** This service's address, where the boot files are. */
  readonly server: Ipv4
  readonly boot: BootConfig
  readonly usesOtherLoader?: (mac: Mac) => boolean
  /** The networks of the interface. */
  readonly networks?: ReadonlyArray<Pick<DhcpSubnet, 'subnet'>>
}

export type ProxyDropReason = 'not_a_request' | 'hardware_type' | 'not_a_boot_client' | 'no_boot_file' | 'other_server' | 'unexpected'

export interface ProxyReply {
  readonly kind: 'reply'
  readonly reply: DhcpPacket
  /** Undefined: back to where the request came from. */
  readonly to?: Destination
  readonly bootFile: string
}

export type ProxyOutcome =
  | ProxyReply
  | { readonly kind: 'drop', readonly reason: ProxyDropReason, readonly detail?: string }

/** Decides on a message that came in on port 67. */
export function handleProxy (message: ClientMessage, context: ProxyContext): ProxyOutcome {
  const { request } = message
  const { dhcpMessageType: type, serverIdentifier } = request.options
  const found = bootClient(message, context)
  if ('kind' in found) return found
  const { networks = [] } = context
  if (!mayBeOnes(request.giaddr, networks)) return drop('unexpected', `giaddr ${formatIpv4(request.giaddr)}`)
  if (type === 'DISCOVER') return offer(request, found, context)
  // Intel boot agents ask here, not on port 4011, for more on an offer of ours. A REQUEST to another server is for its lease.
  if (type !== 'REQUEST' && type !== 'INFORM') return drop('unexpected', type)
  if (type === 'REQUEST' && serverIdentifier !== context.server) return drop('other_server')
  const answer = acknowledge(request, found, context)
  const to = placeOf(message, answer.reply, networks)
  return to === undefined ? drop('unexpected', `ciaddr ${formatIpv4(request.ciaddr)} from ${formatIpv4(message.from)}`) : { ...answer, to }
}

/**
 * Where an acknowledgement goes; undefined where that would be to somebody else. Any server may have given the client its address, which
 * then is where the message comes from, or on the interface's link; what a stranger writes there draws no packet to whom he likes. A
 * client that sends from no address is on the link, and reads what goes to all.
 */
function placeOf ({ request, from }: ClientMessage, reply: DhcpPacket, networks: NonNullable<ProxyContext['networks']>): Destination | undefined {
  const { ciaddr, giaddr } = request
  const place = destinationOf(request, reply)
  if (place.ip !== ciaddr || ciaddr === from) return place
  if (!mayBeOnes(ciaddr, networks)) return undefined
  if (giaddr !== unspecified || subnetWith(networks, ciaddr) !== undefined) return place
  return from === unspecified ? { ip: limitedBroadcast, port: ports.client } : undefined
}

/** Decides on a message that came in on port 4011. */
export function handleBootServer (message: ClientMessage, context: ProxyContext): ProxyOutcome {
  const { request } = message
  const { dhcpMessageType: type } = request.options
  const found = bootClient(message, context)
  if ('kind' in found) return found
  if (type !== 'REQUEST' && type !== 'INFORM' && type !== 'DISCOVER') return drop('unexpected', type)
  return acknowledge(request, found, context)
}

const drop = (reason: ProxyDropReason, detail?: string): ProxyOutcome & { readonly kind: 'drop' } =>
  ({ kind: 'drop', reason, ...detail !== undefined && { detail } })

interface BootClient { readonly client: ClientInfo, readonly bootFile: BootFile, readonly query: BootQuery }

function bootClient ({ request, client }: ClientMessage, { boot, usesOtherLoader }: ProxyContext): BootClient | ReturnType<typeof drop> {
  if (request.op !== op.bootRequest) return drop('not_a_request')
  const fault = hardwareFault(request, client)
  if (fault !== undefined) return drop('hardware_type', fault)
  // U-Boot takes the first offer for a lease; so may what is known by an exception alone.
  if (client.program === 'other' || client.program === 'u-boot') return drop('not_a_boot_client')
  const query = { client, boot, otherLoader: usesOtherLoader?.(client.mac) ?? false }
  const bootFile = bootFileFor(query)
  return bootFile === undefined ? drop('no_boot_file', `architecture ${client.architectures.join(', ') || 'not named'}`) : { client, bootFile, query }
}

function offer (request: DhcpPacket, { client, bootFile, query }: BootClient, { server }: ProxyContext): ProxyOutcome {
  const parts = { request, client, server, bootFile }
  const { vendorSpecificInformation, ...firmware } = proxyOptions(request, client)
  const order = asksBootServer(query) || vendorSpecificInformation === undefined ? firmware : { ...firmware, vendorSpecificInformation }
  const reply: DhcpPacket = {
    ...frame(request, unspecified),
    ...bootFields(parts),
    options: { dhcpMessageType: 'OFFER', serverIdentifier: server, ...bootOptions(parts, order), ...identity(request) }
  }
  return { kind: 'reply', reply, to: destinationOf(request, reply), bootFile: bootFile.name }
}

function acknowledge (request: DhcpPacket, { client, bootFile }: BootClient, { server }: ProxyContext): ProxyReply {
  const parts = { request, client, server, bootFile }
  const firmware = proxyOptions(request, client)
  const answer = client.program === 'pxe' ? { ...firmware, vendorSpecificInformation: bootServerVendorOptions(request) } : firmware
  const reply: DhcpPacket = {
    ...frame(request, request.ciaddr),
    ...bootFields(parts),
    options: { dhcpMessageType: 'ACK', serverIdentifier: server, ...bootOptions(parts, answer), ...identity(request) }
  }
  return { kind: 'reply', reply, bootFile: bootFile.name }
}

const asksBootServer = (query: BootQuery): boolean =>
  query.client.program === 'pxe' && query.client.firmware !== 'bios' && query.client.firmware !== undefined && uefiStyleFor(query) === 'binl'

/** iPXE takes a message for ProxyDHCP only by its vendor class, and asks port 4011 unless option 43 says to boot from it. */
const proxyOptions = (request: DhcpPacket, client: ClientInfo): MutableOptions => client.program === 'ipxe'
  ? { vendorClassIdentifier: 'PXEClient', vendorSpecificInformation: bootDirectly, ...machineIdentifier(request) }
  : pxeOptions(request, client)
