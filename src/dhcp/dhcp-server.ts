// The DHCP server's transport: datagrams in, decisions from server-machine, leases to their store, datagrams out.
import type { Clock } from '../clock.js'
import { DecodeError, messageOf } from '../errors.js'
import type { Logger } from '../log.js'
import type { ConflictProbe } from '../net/conflict-probe.js'
import { formatIpv4, type Ipv4, unspecified } from '../net/ipv4.js'
import { macFromBytes, type Mac } from '../net/mac.js'
import type { BindOptions, UdpNetwork, UdpSocket } from '../net/udp.js'
import type { AllocationState } from './allocate.js'
import type { BootConfig } from './boot-file.js'
import { describePacket } from './describe.js'
import type { LeaseStore } from './lease-file.js'
import { type Lease, LeaseTable } from './leases.js'
import type { LoaderLoop } from './loader-loop.js'
import { findOtherServers, otherServersError } from './other-servers.js'
import { decodePacket, type DhcpPacket, encodePacket } from './packet.js'
import type { ProxyDropReason } from './proxy-machine.js'
import { type Rate, RateLimiter, TokenBucket } from './rate-limit.js'
import { replyLimit } from './reply.js'
import type { Reservations } from './reservations.js'
import { type DropReason, handleDhcp, type Outcome, type Reply, type ServerContext, setAside } from './server-machine.js'
import type { DhcpSubnet } from './subnet.js'

/** What may change while the server runs. */
export interface DhcpSettings {
  readonly subnets: readonly DhcpSubnet[]
  readonly reservations: Reservations
  readonly boot: BootConfig
  readonly unknownClients: AllocationState['unknownClients']
}

/** One thing that happened, for metrics and for the machines' timelines. */
export type DhcpEvent =
  | { readonly kind: 'received', readonly type: string, readonly mac: Mac, readonly packet: DhcpPacket }
  | { readonly kind: 'sent', readonly type: string, readonly mac: Mac, readonly ip: Ipv4, readonly packet: DhcpPacket, readonly bootFile: string | undefined }
  | { readonly kind: 'dropped', readonly reason: DropReason | ProxyDropReason | 'malformed' | 'unsaved' | 'rate_limited', readonly detail: string, readonly mac?: Mac }
  /** Another DHCP server answered at start, or a machine took its offer. */
  | { readonly kind: 'other_server', readonly ip: Ipv4, readonly mac: Mac }
  /** ProxyDHCP offers to this machine lead nowhere: its own DHCP server has to name next-server and the boot file. */
  | { readonly kind: 'proxy_offer_ignored', readonly mac: Mac, readonly nextServer: Ipv4, readonly bootFile: string }
  | { readonly kind: 'lease', readonly change: 'released' | 'declined' | 'offer_refused' | 'conflict', readonly mac: Mac, readonly ip: Ipv4 }

export interface LookForOthers {
  readonly interfaceName: string
  /** Port 68 on the interface. */
  readonly bind: BindOptions
  /** The interface's hardware address. */
  readonly mac: Mac
  readonly allowed: boolean
}

export interface DhcpServerOptions {
  readonly network: UdpNetwork
  readonly bind: BindOptions
  /** This service's address on the network it serves: server identifier and next server. */
  readonly server: Ipv4
  readonly settings: DhcpSettings
  readonly table: LeaseTable
  readonly store: LeaseStore
  /** Looks for machines that use an address without asking; without it none is looked for. */
  readonly probe?: ConflictProbe
  /** Asks before it listens whether another server answers, and refuses to start beside one that is not allowed. */
  readonly others?: LookForOthers
  /** Fed by whoever sends loaders and scripts; without it every machine gets the first loader for its firmware. */
  readonly loaderLoop?: LoaderLoop
  readonly clock: Clock
  readonly log: Logger
  readonly onEvent: (event: DhcpEvent) => void
}

export interface DhcpServer {
  /** Puts new settings in force for the next packet; leases stay. */
  readonly configure: (settings: DhcpSettings) => void
  /** Ends the lease or the quarantine of an address; false when it has none. */
  readonly release: (ip: Ipv4) => Promise<boolean>
  readonly close: () => Promise<void>
}

/** Starts to answer. The table is to hold what the store loaded; the caller closes the store after the server. */
export async function startDhcpServer (options: DhcpServerOptions): Promise<DhcpServer> {
  const server = new Server(options)
  await server.listen()
  return server
}

/** How many machines the log remembers having told of, so that one that asks again and again is told of once in a while. */
const rememberedMachines = 4096
const silence = 10 * 60_000

/** What one machine may send: a boot takes some ten messages, a client that hangs repeats itself once a second. */
export const requestRate: Rate = { burst: 20, perSecond: 5 }

/**
 * How many addresses are asked for: a boot storm at once, and then so few that the kernel's ARP table (1,024 entries, each
 * kept for three seconds without an answer) never runs full. Beyond it offers go out unasked; clients look for themselves.
 */
const probeRate: Rate = { burst: 256, perSecond: 64 }

/** Addresses tried in a row for one DISCOVER; then the machine's next one goes on. */
const mostProbes = 3

/** In whose name an address is set aside that somebody uses unasked. */
const nobody = macFromBytes(Buffer.alloc(6))

class Server implements DhcpServer {
  readonly #options: DhcpServerOptions
  #standing: ServerContext & { now: number }
  #socket: UdpSocket | undefined
  /** Answers that wait for their lease to be saved. */
  readonly #unsent = new Set<Promise<void>>()
  #closing = false
  readonly #told = new Map<string, number>()
  readonly #requests = new RateLimiter<Mac>(requestRate, rememberedMachines)
  readonly #probes: TokenBucket
  /** Offers that wait to hear whether somebody uses their address. */
  readonly #probing = new Map<Ipv4, { readonly outcome: Reply, readonly request: DhcpPacket }>()

  constructor (options: DhcpServerOptions) {
    this.#options = options
    this.#standing = this.#stand(options.settings)
    this.#probes = new TokenBucket(probeRate, options.clock.now())
  }

  async listen (): Promise<void> {
    const { network, bind, others } = this.#options
    if (others !== undefined) await this.#lookForOthers(others)
    this.#socket = await network.bind(bind, data => { this.#onDatagram(data) })
  }

  #stand (settings: DhcpSettings): ServerContext & { now: number } {
    const { server, table, loaderLoop } = this.#options
    return { ...settings, now: 0, server, leases: table, usesOtherLoader: mac => loaderLoop?.usesOther(mac) ?? false }
  }

  async #lookForOthers ({ interfaceName, bind, mac, allowed }: LookForOthers): Promise<void> {
    const { network, server, clock, log, onEvent } = this.#options
    let found: readonly Ipv4[]
    try {
      found = await findOtherServers({ network, bind, mac, server, clock })
    } catch (error) {
      log.warn({ interface: interfaceName, error: messageOf(error) }, 'dhcp.others_unknown')
      return
    }
    for (const ip of found) {
      log.warn({ interface: interfaceName, ip: formatIpv4(ip) }, 'dhcp.other_server')
      onEvent({ kind: 'other_server', ip, mac })
    }
    if (found.length > 0 && !allowed) throw otherServersError(interfaceName, found)
  }

  configure (settings: DhcpSettings): void {
    this.#standing = this.#stand(settings)
    this.#options.table.reset()
  }

  async release (ip: Ipv4): Promise<boolean> {
    const { table, clock } = this.#options
    const lease = table.get(ip)
    if (lease === undefined) return false
    const { declines, ...rest } = lease
    await this.#keep({ ...rest, state: 'released', since: clock.now(), expires: clock.now() }, true)
    return true
  }

  async close (): Promise<void> {
    this.#closing = true
    await Promise.all(this.#unsent)
    await this.#socket?.close()
  }

  #onDatagram (data: Buffer): void {
    if (this.#closing) return
    const { clock, log, onEvent } = this.#options
    let request: DhcpPacket
    try {
      request = decodePacket(data)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      log.debug({ reason: error.code, offset: error.offset, bytes: data.length }, 'dhcp.malformed')
      onEvent({ kind: 'dropped', reason: 'malformed', detail: error.code })
      return
    }
    const mac = macFromBytes(request.chaddr)
    // Our own question for other servers, which the kernel hands to every socket on the interface.
    if (mac === this.#options.others?.mac) return
    if (!this.#requests.take(mac, clock.now())) {
      this.#drop('rate_limited', '', request, mac)
      return
    }
    if (log.isLevelEnabled('debug')) log.debug({ packet: describePacket(request) }, 'dhcp.received')
    onEvent({ kind: 'received', type: request.options.dhcpMessageType ?? 'BOOTP', mac, packet: request })
    this.#watchOthers(request, mac)
    this.#decide(request, mac)
  }

  /** A machine that takes another server's offer says so to all. */
  #watchOthers ({ options: { dhcpMessageType, serverIdentifier: ip } }: DhcpPacket, mac: Mac): void {
    const { server, log, onEvent } = this.#options
    if (dhcpMessageType !== 'REQUEST' || ip === undefined || ip === server || !this.#firstInAWhile(`other_server ${ip}`)) return
    log.warn({ ip: formatIpv4(ip), mac }, 'dhcp.other_server')
    onEvent({ kind: 'other_server', ip, mac })
  }

  #decide (request: DhcpPacket, mac: Mac, probes = 0): void {
    try {
      this.#carryOut(handleDhcp(request, this.#context()), request, mac, probes)
    } catch (error) {
      // No packet ends the process, not even one that finds a mistake of ours.
      this.#options.log.error({ packet: describePacket(request), error }, 'dhcp.failed')
    }
  }

  /** The same object for every packet, with its time: a decision is over before the next packet is looked at. */
  #context (): ServerContext {
    this.#standing.now = this.#options.clock.now()
    return this.#standing
  }

  #carryOut (outcome: Outcome, request: DhcpPacket, mac: Mac, probes: number): void {
    const { log, onEvent } = this.#options
    switch (outcome.kind) {
      case 'drop':
        this.#drop(outcome.reason, outcome.detail ?? '', request, mac)
        return
      case 'change':
        log.info({ mac, ip: formatIpv4(outcome.lease.ip) }, `dhcp.${outcome.what}`)
        onEvent({ kind: 'lease', change: outcome.what, mac, ip: outcome.lease.ip })
        void this.#keep(outcome.lease, outcome.durable).catch(() => {})
        return
      case 'reply':
        if (outcome.lease !== undefined && outcome.durable) this.#sendWhenKept(outcome, outcome.lease, request, mac)
        else this.#offer(outcome, request, mac, probes)
    }
  }

  #drop (reason: DropReason | 'rate_limited', detail: string, request: DhcpPacket, mac: Mac): void {
    const { log, onEvent } = this.#options
    onEvent({ kind: 'dropped', reason, detail, mac })
    const level = worthTelling.has(reason) && this.#firstInAWhile(`${reason} ${mac}`) ? 'info' : 'debug'
    log[level]({ mac, xid: request.xid, reason, ...detail !== '' && { detail } }, 'dhcp.drop')
  }

  #sendWhenKept (outcome: Reply, lease: Lease, request: DhcpPacket, mac: Mac): void {
    const sent = this.#keep(lease, true)
      .then(() => { this.#send(outcome, request, mac) })
      .catch((error: unknown) => { this.#options.onEvent({ kind: 'dropped', reason: 'unsaved', detail: messageOf(error), mac }) })
      .finally(() => { this.#unsent.delete(sent) })
    this.#unsent.add(sent)
  }

  /** Sends what needs no sync: at once, or when it was seen that nobody uses the address. */
  #offer (outcome: Reply, request: DhcpPacket, mac: Mac, probes: number): void {
    const { lease, probe } = outcome
    if (lease !== undefined) this.#options.table.set(lease)
    const pending = this.#probing.get(outcome.reply.yiaddr)
    if (pending !== undefined) {
      // The machine asked again meanwhile: what it sent last is what it waits for an answer to.
      this.#probing.set(outcome.reply.yiaddr, { outcome, request })
    } else if (lease !== undefined && probe && this.#options.probe !== undefined && this.#probes.take(this.#options.clock.now())) {
      this.#probing.set(lease.ip, { outcome, request })
      const done = this.#askWhoUses(this.#options.probe, lease.ip, mac, probes).finally(() => { this.#unsent.delete(done) })
      this.#unsent.add(done)
    } else {
      this.#send(outcome, request, mac)
    }
  }

  /** Ends with the offer, or with the address set aside and the request decided anew. */
  async #askWhoUses (probe: ConflictProbe, ip: Ipv4, mac: Mac, probes: number): Promise<void> {
    const { table, clock, log, onEvent } = this.#options
    const answer = await probe.ask(ip, mac)
    const pending = this.#probing.get(ip)
    this.#probing.delete(ip)
    const held = table.get(ip)
    if (pending === undefined || held?.mac !== mac || held.state !== 'offered') return
    const { outcome, request } = pending
    if (!answer.inUse) {
      this.#send(outcome, request, mac)
      return
    }
    log.warn({ ip: formatIpv4(ip), mac, by: answer.by ?? 'a host behind a router' }, 'dhcp.conflict')
    onEvent({ kind: 'lease', change: 'conflict', mac, ip })
    // Not set aside in this machine's name: it declined nothing.
    void this.#keep(setAside(held, nobody, clock.now()), true).catch(() => {})
    if (probes < mostProbes) this.#decide(request, mac, probes + 1)
  }

  /** Puts the change in force at once, so that the next packet is decided with it, and on disk when it has to last. */
  async #keep (lease: Lease, durable: boolean): Promise<void> {
    const { table, store } = this.#options
    const before = table.get(lease.ip)
    table.set(lease)
    if (!durable) return
    try {
      await store.append(lease)
    } catch (error) {
      if (table.get(lease.ip) === lease) {
        if (before === undefined) table.delete(lease.ip)
        else table.set(before)
      }
      throw error
    }
  }

  #send ({ reply, to, bootFile }: Reply, request: DhcpPacket, mac: Mac): void {
    const { log, onEvent } = this.#options
    const type = reply.options.dhcpMessageType ?? 'BOOTP'
    const fields = {
      mac,
      xid: request.xid,
      ...reply.yiaddr !== unspecified && { ip: formatIpv4(reply.yiaddr) },
      ...bootFile !== undefined && { file: bootFile },
      ...request.giaddr !== unspecified && { relay: formatIpv4(request.giaddr) }
    }
    this.#socket?.send(encodePacket(reply, replyLimit(request)), { address: formatIpv4(to.ip), port: to.port }, error => {
      if (error !== null) log.warn({ ...fields, to: formatIpv4(to.ip), error: error.message }, 'dhcp.unsent')
    })
    log.info(fields, `dhcp.${type.toLowerCase()}`)
    if (log.isLevelEnabled('debug')) log.debug({ packet: describePacket(reply), to: formatIpv4(to.ip) }, 'dhcp.sent')
    onEvent({ kind: 'sent', type, mac, ip: reply.yiaddr, packet: request, bootFile })
  }

  #firstInAWhile (what: string): boolean {
    const now = this.#options.clock.now()
    const last = this.#told.get(what)
    if (last !== undefined && now - last < silence) return false
    this.#told.delete(what)
    this.#told.set(what, now)
    if (this.#told.size > rememberedMachines) this.#told.delete(this.#told.keys().next().value ?? '')
    return true
  }
}

/** Reasons that a person who waits for a machine to boot wants to read; the rest is everyday traffic. */
const worthTelling: ReadonlySet<DropReason | 'rate_limited'> = new Set([
  'unknown_client', 'no_range', 'pool_exhausted', 'reservation_in_use', 'unknown_subnet', 'declines_too_often', 'rate_limited'
])
