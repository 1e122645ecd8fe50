// The DHCP server's decisions: RFC 2131 section 4.3. One request in, one outcome out; it sends nothing, stores nothing and
// reads no clock. The caller applies `lease` to the table, and when it is to be durable, before the reply leaves.
import { contains, formatIpv4, type Ipv4, unspecified } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { allocate, type Allocated, type Allocation, type AllocationState, type Refusal } from './allocate.js'
import { type BootConfig, type BootFile, bootFileFor } from './boot-file.js'
import { type ClientInfo, clientInfo, ethernet } from './client-info.js'
import { op } from './constants.js'
import { type Destination, destinationOf } from './destination.js'
import { isActive, type Lease } from './leases.js'
import type { DhcpPacket } from './packet.js'
import { addressReply, informReply, nakReply, type ReplyParts } from './reply.js'
import { reservationFor } from './reservations.js'
import { type DhcpSubnet, subnetFor } from './subnet.js'

export interface ServerContext extends AllocationState {
  readonly subnets: readonly DhcpSubnet[]
  readonly boot: BootConfig
  /** Whether the first loader led the machine nowhere (loader-loop.ts). */
  readonly usesOtherLoader?: (mac: Mac) => boolean
}

export type DropReason =
  | Refusal
  | 'not_a_request'
  | 'no_message_type'
  | 'hardware_type'
  | 'unknown_subnet'
  | 'other_server'
  | 'unknown_lease'
  | 'unexpected'
  | 'declines_too_often'

export interface Reply {
  readonly kind: 'reply'
  readonly reply: DhcpPacket
  readonly to: Destination
  /** The change that goes with it, already in force when the next request is looked at. */
  readonly lease?: Lease
  /** Whether `lease` must be on disk before the reply leaves. */
  readonly durable: boolean
  readonly bootFile?: string
  /** The offered address comes from a range and was not this machine's before: see first that nobody uses it. */
  readonly probe: boolean
}

export type Outcome =
  | Reply
  | { readonly kind: 'change', readonly what: 'released' | 'declined' | 'offer_refused', readonly lease: Lease, readonly durable: boolean }
  | { readonly kind: 'drop', readonly reason: DropReason, readonly detail?: string }

/** How long an address is held for the one it was offered to, in milliseconds; longer than any ROM takes to ask for it. */
export const offerHold = 60_000

/** Seconds an address is leased for while a machine boots: no program of the boot renews it, the next one asks anew. */
export const bootLeaseTime = 600

const quarantine = 10 * 60_000
const longestQuarantine = 24 * 60 * 60_000

/** A machine that declines this many addresses within the first quarantine would decline the whole range: it is ignored. */
const mostDeclines = 3

export function handleDhcp (request: DhcpPacket, context: ServerContext): Outcome {
  if (request.op !== op.bootRequest) return drop('not_a_request')
  if (request.htype !== ethernet || request.chaddr.length !== 6) return drop('hardware_type', `htype ${request.htype}, hlen ${request.chaddr.length}`)
  const type = request.options.dhcpMessageType
  if (type === undefined) return drop('no_message_type')
  const subnet = subnetFor(request, context.subnets, context.server)
  if (subnet === undefined) return drop('unknown_subnet', `giaddr ${formatIpv4(request.giaddr)}`)
  const client = clientInfo(request)
  if (declinesTooOften(client.mac, context)) return drop('declines_too_often')
  switch (type) {
    case 'DISCOVER': return onDiscover(request, client, subnet, context)
    case 'REQUEST': return onRequest(request, client, subnet, context)
    case 'DECLINE': return onDecline(request, client, context)
    case 'RELEASE': return onRelease(request, client, context)
    case 'INFORM': return onInform(request, client, subnet, context)
    default: return drop('unexpected', type)
  }
}

/** Each address a machine declined is still in the table as set aside by it, so they need no count of their own. */
function declinesTooOften (mac: Mac, { leases, now }: ServerContext): boolean {
  const declined = leases.ofMac(mac).filter(lease => lease.state === 'declined' && now - lease.since < quarantine)
  return declined.length >= mostDeclines
}

const drop = (reason: DropReason, detail?: string): Outcome => ({ kind: 'drop', reason, ...detail !== undefined && { detail } })

function onDiscover (request: DhcpPacket, client: ClientInfo, subnet: DhcpSubnet, context: ServerContext): Outcome {
  const found = allocate(client.mac, request.options.requestedIpAddress, subnet, context)
  if ('refused' in found) {
    return drop(found.refused, found.holder === undefined ? undefined : `${formatIpv4(found.holder.ip)} is ${found.holder.state} by ${found.holder.mac}`)
  }
  const { ip } = found
  const held = context.leases.get(ip)
  const standing = held !== undefined && held.mac === client.mac && held.state === 'bound' && isActive(held, context.now)
  return {
    ...answer('OFFER', found, request, client, subnet, context),
    // A lease that still runs needs no hold, and must not be cut short by one.
    ...!standing && { lease: leaseOf(found, request, client, context, 'offered', offerHold) },
    durable: false,
    probe: !found.known
  }
}

function onRequest (request: DhcpPacket, client: ClientInfo, subnet: DhcpSubnet, context: ServerContext): Outcome {
  const { serverIdentifier, requestedIpAddress } = request.options
  if (serverIdentifier !== undefined && serverIdentifier !== context.server) return onOtherServer(client, serverIdentifier, context)
  const wanted = requestedIpAddress ?? request.ciaddr
  if (wanted === unspecified) return drop('unexpected', 'REQUEST without an address')
  // INIT-REBOOT with an address that could be right, from a machine never seen: another server may know it (RFC 2131
  // section 4.3.2). One that renews goes on, since to answer it keeps a machine alive whose lease file was lost.
  const rebooting = serverIdentifier === undefined && request.ciaddr === unspecified
  if (rebooting && isUnseen(client, subnet, context) && contains(subnet.subnet, wanted)) return drop('unknown_lease', `asks for ${formatIpv4(wanted)}`)
  const found = allocate(client.mac, wanted, subnet, context)
  if ('refused' in found || found.ip !== wanted) return refuse(wanted, found, request, client, context)
  return {
    ...answer('ACK', found, request, client, subnet, context),
    lease: leaseOf(found, request, client, context, 'bound', leaseSeconds(client, subnet) * 1000),
    durable: true,
    probe: false
  }
}

const isUnseen = ({ mac }: ClientInfo, subnet: DhcpSubnet, { leases, reservations }: ServerContext): boolean =>
  leases.ofMac(mac).length === 0 && reservationFor(reservations, mac, subnet) === undefined

/** The client took another server's offer: the address held for it is free again (RFC 2131 section 3.1, step 4). */
function onOtherServer (client: ClientInfo, chosen: Ipv4, context: ServerContext): Outcome {
  const held = context.leases.ofMac(client.mac).find(lease => lease.state === 'offered' && isActive(lease, context.now))
  if (held === undefined) return drop('other_server', formatIpv4(chosen))
  return { kind: 'change', what: 'offer_refused', lease: { ...held, state: 'released', since: context.now, expires: context.now }, durable: false }
}

/**
 * NAK sends a client back to DISCOVER, so it goes only to one that would get another address from here, or that took an
 * offer of ours which no longer stands. Silence leaves everybody else to their own server and the address they have.
 */
function refuse (wanted: Ipv4, found: Allocation, request: DhcpPacket, client: ClientInfo, context: ServerContext): Outcome {
  const ours = request.options.serverIdentifier === context.server
  if ('refused' in found && !ours) return drop(found.refused, `asks for ${formatIpv4(wanted)}`)
  const reply = nakReply(request, context.server, `${formatIpv4(wanted)} is not available to ${client.mac}`)
  return { kind: 'reply', reply, to: destinationOf(request, reply), durable: false, probe: false }
}

function onDecline (request: DhcpPacket, client: ClientInfo, context: ServerContext): Outcome {
  const ip = request.options.requestedIpAddress
  const held = ip === undefined ? undefined : context.leases.get(ip)
  if (held === undefined || held.mac !== client.mac || !isActive(held, context.now) || held.state === 'declined') return drop('unknown_lease', 'DECLINE')
  if (request.options.serverIdentifier !== context.server) return drop('other_server', 'DECLINE')
  return { kind: 'change', what: 'declined', lease: setAside(held, held.mac, context.now), durable: true }
}

/** The lease of an address that somebody uses without asking: nobody gets it for ten minutes, each time twice as long. */
export function setAside (held: Lease, mac: Mac, now: number): Lease {
  const declines = (held.declines ?? 0) + 1
  const expires = now + Math.min(longestQuarantine, quarantine * 2 ** (declines - 1))
  return { ip: held.ip, mac, state: 'declined', since: now, expires, declines }
}

function onRelease (request: DhcpPacket, client: ClientInfo, context: ServerContext): Outcome {
  const { serverIdentifier } = request.options
  if (serverIdentifier !== undefined && serverIdentifier !== context.server) return drop('other_server', 'RELEASE')
  const held = context.leases.get(request.ciaddr)
  if (held === undefined || held.mac !== client.mac || held.state !== 'bound') return drop('unknown_lease', 'RELEASE')
  return { kind: 'change', what: 'released', lease: { ...held, state: 'released', since: context.now, expires: context.now }, durable: true }
}

function onInform (request: DhcpPacket, client: ClientInfo, subnet: DhcpSubnet, context: ServerContext): Outcome {
  // The answer goes to ciaddr, which a stranger may have made up.
  if (request.ciaddr !== unspecified && !contains(subnet.subnet, request.ciaddr)) return drop('unknown_subnet', `ciaddr ${formatIpv4(request.ciaddr)}`)
  const reservation = reservationFor(context.reservations, client.mac, subnet)
  const bootFile = bootFileOf(client, context)
  const reply = informReply({ request, client, server: context.server, subnet, reservation, bootFile, hostName: reservation?.hostName })
  return { kind: 'reply', reply, to: destinationOf(request, reply), durable: false, probe: false }
}

function answer (
  type: 'OFFER' | 'ACK', { ip, reservation }: Allocated, request: DhcpPacket, client: ClientInfo, subnet: DhcpSubnet, context: ServerContext
): Pick<Reply, 'kind' | 'reply' | 'to' | 'bootFile'> {
  const bootFile = bootFileOf(client, context)
  const parts: ReplyParts = { request, client, server: context.server, subnet, reservation, bootFile, hostName: reservation?.hostName }
  const reply = addressReply(type, ip, leaseSeconds(client, subnet), parts)
  return { kind: 'reply', reply, to: destinationOf(request, reply), ...bootFile !== undefined && { bootFile: bootFile.name } }
}

const bootFileOf = (client: ClientInfo, { boot, usesOtherLoader }: ServerContext): BootFile | undefined =>
  bootFileFor({ client, boot, otherLoader: usesOtherLoader?.(client.mac) ?? false })

const leaseSeconds = (client: ClientInfo, subnet: DhcpSubnet): number =>
  client.program === 'other' ? subnet.leaseTime : Math.min(subnet.leaseTime, bootLeaseTime)

function leaseOf (
  { ip, reservation }: Allocated, request: DhcpPacket, client: ClientInfo, { now, leases }: ServerContext,
  state: 'offered' | 'bound', milliseconds: number
): Lease {
  const before = leases.get(ip)
  const renewal = state === 'bound' && before?.state === 'bound' && before.mac === client.mac
  const hostName = reservation?.hostName ?? request.options.hostName
  return {
    ip,
    mac: client.mac,
    state,
    since: renewal ? before.since : now,
    expires: now + milliseconds,
    ...hostName !== undefined && { hostName },
    // An address that was declined counts as doubtful until somebody has kept it.
    ...!renewal && before?.declines !== undefined && { declines: before.declines }
  }
}
