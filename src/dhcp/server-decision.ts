// The DHCP server's decisions: RFC 2131 section 4.3. One request in, one outcome out; it sends nothing, stores nothing and
// reads no clock. The caller applies `lease` to the table, and when it has to last, to the disk before the reply leaves.
import { formatIpv4, type Ipv4, unspecified } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { allocate, type AllocatedAddress, type Allocation, type AllocationState, type AllocationRefusal } from './allocate.js'
import { type BootConfig, type BootFile, bootFileFor } from './boot-file.js'
import { type ClientInfo, type ClientMessage, hardwareFault } from './client-info.js'
import { op } from './constants.js'
import { type Destination, destinationOf } from './destination.js'
import { isActive, isHeld, type Lease } from './leases.js'
import type { DhcpPacket } from './packet.js'
import { serverIdOverride } from './relay-agent.js'
import { addressReply, informReply, nakReply, type ReplyParts } from './reply.js'
import { reservationFor } from './reservations.js'
import { type DhcpSubnet, type Link, linkOf, mayBeOnes, subnetWith } from './subnet.js'

export interface ServerContext extends AllocationState {
  readonly subnets: readonly DhcpSubnet[]
  readonly boot: BootConfig
  /** Whether the first loader led the machine nowhere (loader-loop.ts). */
  readonly usesOtherLoader?: (mac: Mac) => boolean
  /** Of a store that is away: until when an address may be promised (lease-store.ts); undefined as long as one likes. */
  readonly promisedUntil?: ((ip: Ipv4, mac: Mac, now: number, reserved: boolean) => number | undefined) | undefined
}

export type DropReason =
  | AllocationRefusal
  | 'not_a_request'
  | 'no_message_type'
  | 'hardware_type'
  | 'unknown_subnet'
  | 'other_server'
  | 'unknown_lease'
  | 'unexpected'
  | 'declines_too_often'
  /** A machine declined the address that is reserved for it: it has no other. */
  | 'reservation_declined'
  /** The machine that had the reserved address before answers on it. */
  | 'reservation_in_use'
  /** What the servers share is away, and the address can't be promised without it. */
  | 'store_away'

export interface Reply {
  readonly kind: 'reply'
  readonly reply: DhcpPacket
  readonly to: Destination
  /** The change that goes with it, already in force when the next request is looked at. */
  readonly lease?: Lease
  /** Whether `lease` is to last. */
  readonly durable: boolean
  /** Whether the address is the machine's by a reservation: that needs no lease on disk before the reply leaves. */
  readonly reserved?: boolean
  /** Leases that end with this reply: the client's own, of addresses that it is not given any more. */
  readonly ended?: readonly Lease[]
  /** Whose lease ends with it: the address is reserved for this machine now. */
  readonly holder?: Lease
  readonly bootFile?: string
  /** Somebody else may use the address: see first that nobody does. */
  readonly probe: boolean
}

export type ServerOutcome =
  | Reply
  | { readonly kind: 'change', readonly what: 'released' | 'declined' | 'offer_refused', readonly lease: Lease, readonly durable: boolean }
  | { readonly kind: 'drop', readonly reason: DropReason, readonly detail?: string }

/** How long an address is held for the one it was offered to, in milliseconds; longer than any ROM takes to ask for it. */
const offerHold = 60_000

/** Seconds an address is leased for while a machine boots: no program of the boot renews it, the next one asks anew. */
const bootLeaseTime = 600

/** Milliseconds: an address that is promised for less is not worth an answer. */
const leastPromise = 60_000

const quarantine = 10 * 60_000
const longestQuarantine = 24 * 60 * 60_000

/** A machine that declines this many addresses within the first quarantine would decline the whole range: it is ignored. */
const mostDeclines = 3

/** A message with what every decision on it needs. */
interface LinkMessage extends ClientMessage {
  readonly link: Link
  /** What the client knows us by, or is to. */
  readonly serverIdentifier: Ipv4
}

export function handleDhcp (message: ClientMessage, context: ServerContext): ServerOutcome {
  const { request } = message
  if (request.op !== op.bootRequest) return drop('not_a_request')
  const fault = hardwareFault(request, message.client)
  if (fault !== undefined) return drop('hardware_type', fault)
  const type = request.options.dhcpMessageType
  if (type === undefined) return drop('no_message_type')
  const link = linkOf(request, context.subnets, ownOf(context))
  if (link.length === 0) return drop('unknown_subnet', `giaddr ${formatIpv4(request.giaddr)}`)
  const asked: LinkMessage = { ...message, link, serverIdentifier: identifierFor(request, context) }
  if (declinesTooOften(asked, context)) return drop('declines_too_often')
  switch (type) {
    case 'DISCOVER': return onDiscover(asked, context)
    case 'REQUEST': return onRequest(asked, context)
    case 'DECLINE': return onDecline(asked, context)
    case 'RELEASE': return onRelease(asked, context)
    case 'INFORM': return onInform(asked, context)
    default: return drop('unexpected', type)
  }
}

export const ownOf = ({ server, own = [server] }: ServerContext): readonly Ipv4[] => own

const identifierFor = ({ giaddr, options: { relayAgentInformation } }: DhcpPacket, { server }: ServerContext): Ipv4 =>
  (giaddr === unspecified ? undefined : serverIdOverride(relayAgentInformation)) ?? server

/** Whether a message that names a server means this one, on whichever of its interfaces the message comes in. */
export const isOurs = (named: Ipv4, request: DhcpPacket, context: ServerContext): boolean =>
  named === identifierFor(request, context) || ownOf(context).includes(named) || context.ours?.includes(named) === true

/**
 * Each address a machine declined is still in the table as set aside by it, so they need no count of their own. A machine
 * with a reservation is never ignored: anybody can decline in its name.
 */
function declinesTooOften ({ client: { mac }, link }: LinkMessage, { leases, reservations, now }: ServerContext): boolean {
  const declined = leases.ofMac(mac).filter(lease => lease.state === 'declined' && now - lease.since < quarantine)
  return declined.length >= mostDeclines && reservationFor(reservations, mac, link) === undefined
}

const drop = (reason: DropReason, detail?: string): ServerOutcome => ({ kind: 'drop', reason, ...detail !== undefined && { detail } })

function onDiscover (asked: LinkMessage, context: ServerContext): ServerOutcome {
  const { request, client, link } = asked
  const found = allocate(client.mac, request.options.requestedIpAddress, link, context)
  if ('refused' in found) return drop(found.refused)
  if (promiseOf(found, client, context) < leastPromise) return drop('store_away')
  const held = context.leases.get(found.ip)
  const standing = held !== undefined && held.mac === client.mac && held.state === 'bound' && isActive(held, context.now)
  // Who only asks whether anybody answers takes no address.
  const asksOnly = asked.isOwnQuestion === true
  return {
    ...answer('OFFER', found, asked, context),
    // A lease that still runs needs no hold, and must not be cut short by one.
    ...!standing && !asksOnly && { lease: leaseOf(found, asked, context, 'offered', offerHold) },
    ...found.reservation !== undefined && { reserved: true },
    ...found.holder !== undefined && !asksOnly && { holder: found.holder },
    durable: false,
    probe: !found.known && !asksOnly
  }
}

function onRequest (asked: LinkMessage, context: ServerContext): ServerOutcome {
  const { request, client, link } = asked
  const { serverIdentifier, requestedIpAddress } = request.options
  if (serverIdentifier !== undefined && !isOurs(serverIdentifier, request, context)) return onOtherServer(client, serverIdentifier, context)
  const wanted = requestedIpAddress ?? request.ciaddr
  if (wanted === unspecified) return drop('unexpected', 'REQUEST without an address')
  // INIT-REBOOT with an address that could be right, from a machine never seen: another server may know it (RFC 2131
  // section 4.3.2). One that renews goes on, since to answer it keeps a machine alive whose lease file was lost.
  const rebooting = serverIdentifier === undefined && request.ciaddr === unspecified
  if (rebooting && isUnseen(asked, context) && subnetWith(link, wanted) !== undefined) return drop('unknown_lease', `asks for ${formatIpv4(wanted)}`)
  const found = allocate(client.mac, wanted, link, context)
  // Of a reserved address that another machine still holds it has to be seen first whether that one is there: after DISCOVER.
  if ('refused' in found || found.ip !== wanted || found.holder !== undefined) return refuse(wanted, found, asked, context)
  if (promiseOf(found, client, context) < leastPromise) return drop('store_away', `asks for ${formatIpv4(wanted)}`)
  const { reservation } = found
  return {
    ...answer('ACK', found, asked, context),
    lease: leaseOf(found, asked, context, 'bound', leaseSeconds(client, found, context) * 1000),
    ...reservation !== undefined && { reserved: true },
    ...endedBy(asked, context, ip => ip !== wanted),
    durable: true,
    probe: false
  }
}

const isUnseen = ({ client: { mac }, link }: LinkMessage, { leases, reservations }: ServerContext): boolean =>
  leases.ofMac(mac).length === 0 && reservationFor(reservations, mac, link) === undefined

/** The machine's own leases on the link that are over, of the addresses for which `over` holds. */
function endedBy ({ client: { mac }, link }: LinkMessage, { leases, now }: ServerContext, over: (ip: Ipv4) => boolean): Pick<Reply, 'ended'> {
  const ended = leases.ofMac(mac).filter(lease =>
    lease.state !== 'declined' && lease.state !== 'released' && isHeld(lease, now, leases.grace ?? 0) && over(lease.ip) && subnetWith(link, lease.ip) !== undefined)
  return ended.length === 0 ? {} : { ended }
}

/** The client took another server's offer: the address held for it is free again (RFC 2131 section 3.1, step 4). */
function onOtherServer (client: ClientInfo, chosen: Ipv4, context: ServerContext): ServerOutcome {
  const held = context.leases.ofMac(client.mac).find(lease => lease.state === 'offered' && isActive(lease, context.now))
  if (held === undefined) return drop('other_server', formatIpv4(chosen))
  return { kind: 'change', what: 'offer_refused', lease: released(held, context.now), durable: false }
}

export const released = ({ declines, ...lease }: Lease, now: number): Lease => ({ ...lease, state: 'released', since: now, expires: now })

/**
 * NAK sends a client back to DISCOVER, so it goes only to one that would get another address from here, or that took an
 * offer of ours which no longer stands. Silence leaves everybody else to their own server and the address they have.
 */
function refuse (wanted: Ipv4, found: Allocation, asked: LinkMessage, context: ServerContext): ServerOutcome {
  const { request, client } = asked
  const { serverIdentifier } = request.options
  const ours = serverIdentifier !== undefined && isOurs(serverIdentifier, request, context)
  if ('refused' in found && !ours) return drop(found.refused, `asks for ${formatIpv4(wanted)}`)
  // Nobody is sent away by who cannot know.
  if (context.promisedUntil?.(wanted, client.mac, context.now, false) !== undefined) return drop('store_away', `asks for ${formatIpv4(wanted)}`)
  const reply = nakReply(request, asked.serverIdentifier, `${formatIpv4(wanted)} is not available to ${client.mac}`)
  return { kind: 'reply', reply, to: destinationOf(request, reply), ...endedBy(asked, context, ip => ip === wanted), durable: false, probe: false }
}

function onDecline (asked: LinkMessage, context: ServerContext): ServerOutcome {
  const { request, client, link, from } = asked
  const { requestedIpAddress: ip, serverIdentifier } = request.options
  const held = ip === undefined ? undefined : context.leases.get(ip)
  if (held === undefined || held.mac !== client.mac || !isActive(held, context.now) || held.state === 'declined') return drop('unknown_lease', 'DECLINE')
  if (serverIdentifier === undefined || !isOurs(serverIdentifier, request, context)) return drop('other_server', 'DECLINE')
  // A client declines by broadcast on its own link (RFC 2131 section 4.4.4): what comes through a router is somebody else's word.
  const near = from === unspecified || request.giaddr !== unspecified || subnetWith(link, from) !== undefined
  if (!near) return drop('unexpected', `DECLINE from ${formatIpv4(from)}`)
  if (context.reservations.byIp.get(held.ip)?.macs.includes(client.mac) === true) return drop('reservation_declined', formatIpv4(held.ip))
  return { kind: 'change', what: 'declined', lease: setAside(held, held.mac, context.now), durable: true }
}

/** The lease of an address that somebody uses without asking: nobody gets it for ten minutes, each time twice as long. */
export function setAside (held: Pick<Lease, 'ip' | 'declines'>, mac: Mac, now: number): Lease {
  const declines = (held.declines ?? 0) + 1
  const expires = now + Math.min(longestQuarantine, quarantine * 2 ** (declines - 1))
  return { ip: held.ip, mac, state: 'declined', since: now, expires, declines }
}

function onRelease (asked: LinkMessage, context: ServerContext): ServerOutcome {
  const { request, client, from } = asked
  const { ciaddr, giaddr, options: { serverIdentifier } } = request
  if (serverIdentifier !== undefined && !isOurs(serverIdentifier, request, context)) return drop('other_server', 'RELEASE')
  const held = context.leases.get(ciaddr)
  if (held === undefined || held.mac !== client.mac || held.state !== 'bound') return drop('unknown_lease', 'RELEASE')
  // It is sent from the address that it gives back (RFC 2131 section 4.4.6); who does not have that can give nothing back.
  if (from !== unspecified && from !== ciaddr && giaddr === unspecified) return drop('unexpected', `RELEASE from ${formatIpv4(from)}`)
  return { kind: 'change', what: 'released', lease: { ...held, state: 'released', since: context.now, expires: context.now }, durable: true }
}

function onInform (asked: LinkMessage, context: ServerContext): ServerOutcome {
  const { request, client, link } = asked
  // The answer goes to ciaddr, which a stranger may have made up.
  const subnet = request.ciaddr === unspecified ? link[0] : subnetWith(link, request.ciaddr)
  if (subnet === undefined || !mayBeOnes(request.ciaddr, link)) return drop('unknown_subnet', `ciaddr ${formatIpv4(request.ciaddr)}`)
  const reservation = reservationFor(context.reservations, client.mac, link, request.ciaddr)
  const reply = informReply(partsOf(asked, subnet, reservation, context))
  return { kind: 'reply', reply, to: destinationOf(request, reply), durable: false, probe: false }
}

function answer (type: 'OFFER' | 'ACK', found: AllocatedAddress, asked: LinkMessage, context: ServerContext): Pick<Reply, 'kind' | 'reply' | 'to' | 'bootFile'> {
  const { ip, subnet, reservation } = found
  const parts = partsOf(asked, subnet, reservation, context)
  const reply = addressReply(type, ip, leaseSeconds(asked.client, found, context), parts)
  return { kind: 'reply', reply, to: destinationOf(asked.request, reply), ...parts.bootFile !== undefined && { bootFile: parts.bootFile.name } }
}

function partsOf ({ request, client, serverIdentifier }: LinkMessage, subnet: DhcpSubnet, reservation: ReplyParts['reservation'], context: ServerContext): ReplyParts {
  const bootFile = bootFileOf(client, context)
  return { request, client, server: context.server, serverIdentifier, subnet, reservation, bootFile, hostName: reservation?.hostName }
}

const bootFileOf = (client: ClientInfo, { boot, usesOtherLoader }: ServerContext): BootFile | undefined =>
  bootFileFor({ client, boot, otherLoader: usesOtherLoader?.(client.mac) ?? false })

function leaseSeconds (client: ClientInfo, found: AllocatedAddress, context: ServerContext): number {
  const { leaseTime } = found.subnet
  return Math.min(client.program === 'other' ? leaseTime : Math.min(leaseTime, bootLeaseTime), Math.floor(promiseOf(found, client, context) / 1000))
}

/** Milliseconds for which the address may be promised to the machine; less while what the servers share is away. */
function promiseOf ({ ip, reservation }: AllocatedAddress, { mac }: ClientInfo, { promisedUntil, now }: ServerContext): number {
  const until = promisedUntil?.(ip, mac, now, reservation !== undefined)
  return until === undefined ? Infinity : until - now
}

function leaseOf (
  { ip, reservation }: AllocatedAddress, { request, client }: LinkMessage, { now, leases }: ServerContext, state: 'offered' | 'bound', milliseconds: number
): Lease {
  const before = leases.get(ip)
  const renewal = state === 'bound' && before?.state === 'bound' && before.mac === client.mac
  const hostName = reservation?.hostName ?? readable(request.options.hostName)
  return {
    ip,
    mac: client.mac,
    state,
    since: renewal ? before.since : now,
    expires: now + milliseconds,
    ...hostName !== undefined && { hostName },
    // An address that was declined counts as doubtful until somebody has kept it.
    ...!renewal && before?.declines !== undefined && reservation === undefined && { declines: before.declines }
  }
}

/** Option 12 as people write names: UTF-8 where it is that, an octet a letter else. */
function readable (text: string | undefined): string | undefined {
  if (text === undefined || !/[\x80-\xff]/.test(text)) return text
  const decoded = Buffer.from(text, 'latin1').toString()
  return decoded.includes('\ufffd') ? text : decoded
}
