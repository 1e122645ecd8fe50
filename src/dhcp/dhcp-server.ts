// The DHCP server's transport: datagrams in, decisions from server-machine, leases to their store, datagrams out.
import type { Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { ConflictProbe } from '../net/conflict-probe.js'
import { formatIpv4, type Ipv4 } from '../net/ipv4.js'
import { macFromBytes, type Mac } from '../net/mac.js'
import type { BindOptions, UdpNetwork, UdpSocket } from '../net/udp.js'
import type { AllocationState } from './allocate.js'
import type { BootConfig } from './boot-file.js'
import type { DhcpEvent } from './dhcp-event.js'
import type { LeaseStore } from './lease-file.js'
import { type Lease, LeaseTable } from './leases.js'
import { type Asked, MessageExchange } from './message-exchange.js'
import { type LookForOthers, refuseBesideOthers } from './other-servers.js'
import { type Rate, TokenBucket } from './rate-limit.js'
import type { Reservations } from './reservations.js'
import { handleDhcp, type Outcome, type Reply, type ServerContext, setAside } from './server-machine.js'
import type { DhcpSubnet } from './subnet.js'

/** What may change while the server runs. */
export interface DhcpSettings {
  readonly subnets: readonly DhcpSubnet[]
  readonly reservations: Reservations
  readonly boot: BootConfig
  readonly unknownClients: AllocationState['unknownClients']
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
  /** Whether the first loader led the machine nowhere; without it every machine gets the first one for its firmware. */
  readonly usesOtherLoader?: (mac: Mac) => boolean
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
  readonly #exchange: MessageExchange
  readonly #probes: TokenBucket
  /** Offers that wait to hear whether somebody uses their address. */
  readonly #probing = new Map<Ipv4, { readonly outcome: Reply, readonly asked: Asked }>()

  constructor (options: DhcpServerOptions) {
    this.#options = options
    this.#standing = this.#stand(options.settings)
    this.#exchange = new MessageExchange({ ...options, ...options.others !== undefined && { ownMac: options.others.mac } })
    this.#probes = new TokenBucket(probeRate, options.clock.now())
  }

  async listen (): Promise<void> {
    const { network, bind, others } = this.#options
    if (others !== undefined) await refuseBesideOthers(others, this.#options)
    this.#socket = await network.bind(bind, data => { this.#onDatagram(data) })
  }

  #stand (settings: DhcpSettings): ServerContext & { now: number } {
    const { server, table, usesOtherLoader = () => false } = this.#options
    return { ...settings, now: 0, server, leases: table, usesOtherLoader }
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
    this.#exchange.receive(data, asked => {
      this.#watchOthers(asked)
      this.#decide(asked)
    })
  }

  /** A machine that takes another server's offer says so to all. */
  #watchOthers ({ request: { options: { dhcpMessageType, serverIdentifier: ip } }, mac }: Asked): void {
    const { server, log, onEvent } = this.#options
    if (dhcpMessageType !== 'REQUEST' || ip === undefined || ip === server || !this.#exchange.firstInAWhile(`other_server ${ip}`)) return
    log.warn({ ip: formatIpv4(ip), mac }, 'dhcp.other_server')
    onEvent({ kind: 'other_server', ip, mac })
  }

  #decide (asked: Asked, probes = 0): void {
    this.#carryOut(handleDhcp(asked.request, this.#context()), asked, probes)
  }

  /** The same object for every packet, with its time: a decision is over before the next packet is looked at. */
  #context (): ServerContext {
    this.#standing.now = this.#options.clock.now()
    return this.#standing
  }

  #carryOut (outcome: Outcome, asked: Asked, probes: number): void {
    const { log, onEvent } = this.#options
    const { mac } = asked
    switch (outcome.kind) {
      case 'drop':
        this.#exchange.drop(outcome.reason, outcome.detail ?? '', asked)
        return
      case 'change':
        log.info({ mac, ip: formatIpv4(outcome.lease.ip) }, `dhcp.${outcome.what}`)
        onEvent({ kind: 'lease', change: outcome.what, mac, ip: outcome.lease.ip })
        void this.#keep(outcome.lease, outcome.durable).catch(() => {})
        return
      case 'reply':
        if (outcome.lease !== undefined && outcome.durable) this.#sendWhenKept(outcome, outcome.lease, asked)
        else this.#offer(outcome, asked, probes)
    }
  }

  #sendWhenKept (outcome: Reply, lease: Lease, asked: Asked): void {
    const sent = this.#keep(lease, true)
      .then(() => { this.#send(outcome, asked) })
      .catch((error: unknown) => { this.#options.onEvent({ kind: 'dropped', reason: 'unsaved', detail: messageOf(error), mac: asked.mac }) })
      .finally(() => { this.#unsent.delete(sent) })
    this.#unsent.add(sent)
  }

  /** Sends what needs no sync: at once, or when it was seen that nobody uses the address. */
  #offer (outcome: Reply, asked: Asked, probes: number): void {
    const { lease, probe } = outcome
    if (lease !== undefined) this.#options.table.set(lease)
    const pending = this.#probing.get(outcome.reply.yiaddr)
    if (pending !== undefined) {
      // The machine asked again meanwhile: what it sent last is what it waits for an answer to.
      this.#probing.set(outcome.reply.yiaddr, { outcome, asked })
    } else if (lease !== undefined && probe && this.#options.probe !== undefined && this.#probes.take(this.#options.clock.now())) {
      this.#probing.set(lease.ip, { outcome, asked })
      const done = this.#askWhoUses(this.#options.probe, lease.ip, asked.mac, probes).finally(() => { this.#unsent.delete(done) })
      this.#unsent.add(done)
    } else {
      this.#send(outcome, asked)
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
    const { outcome, asked } = pending
    if (!answer.inUse) {
      this.#send(outcome, asked)
      return
    }
    log.warn({ ip: formatIpv4(ip), mac, by: answer.by ?? 'a host behind a router' }, 'dhcp.conflict')
    onEvent({ kind: 'lease', change: 'conflict', mac, ip })
    // Not set aside in this machine's name: it declined nothing.
    void this.#keep(setAside(held, nobody, clock.now()), true).catch(() => {})
    if (probes < mostProbes) this.#exchange.contain(asked, () => { this.#decide(asked, probes + 1) })
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

  #send ({ reply, to, bootFile }: Reply, asked: Asked): void {
    if (this.#socket === undefined) return
    const name = `dhcp.${(reply.options.dhcpMessageType ?? 'BOOTP').toLowerCase()}`
    const where = { address: formatIpv4(to.ip), port: to.port }
    this.#exchange.send(this.#socket, { reply, to: where, name, ...bootFile !== undefined && { bootFile } }, asked)
  }
}
