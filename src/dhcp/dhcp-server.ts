// The DHCP server's transport: datagrams in, decisions from server-decision, leases to their store, datagrams out.
import type { Clock, Timer } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import type { ConflictAnswer, ConflictProbe } from '../net/conflict-probe.js'
import { formatIpv4, type Ipv4, unspecified } from '../net/ipv4.js'
import { macFromBytes, type Mac } from '../net/mac.js'
import type { BindOptions, Endpoint, UdpNetwork, UdpSocket } from '../net/udp.js'
import type { AllocationState } from './allocate.js'
import type { BootConfig } from './boot-file.js'
import type { ClientMessage } from './client-info.js'
import type { DhcpEvent } from './dhcp-event.js'
import { Inbox } from './inbox.js'
import type { LeaseStore } from './lease-store.js'
import { isActive, type Lease, LeaseTable } from './leases.js'
import { type DhcpDatagram, MessageExchange } from './message-exchange.js'
import { type LookForOthers, refuseBesideOthers } from './other-servers.js'
import { ProbePace } from './probe-pace.js'
import { ProbeTrust } from './probe-trust.js'
import { leasesWithout, type Reservations } from './reservations.js'
import { handleDhcp, isOurs, type Outcome, released, type Reply, type ServerContext, setAside } from './server-decision.js'
import type { DhcpSubnet } from './subnet.js'

/** What may change while the server runs. */
export interface DhcpSettings {
  readonly subnets: readonly DhcpSubnet[]
  readonly reservations: Reservations
  readonly boot: BootConfig
  readonly unknownClients: AllocationState['unknownClients']
  /** Machines that a person named elsewhere; those with a reservation are known without. */
  readonly named?: ReadonlySet<Mac>
}

export interface DhcpServerOptions {
  readonly network: UdpNetwork
  /** A function opens the socket when it is bound, after it was asked whether another server answers. */
  readonly bind: BindOptions | (() => BindOptions)
  /** This service's address on the network it serves: server identifier and next server. */
  readonly server: Ipv4
  /** All addresses of the interface; only `server` without it. */
  readonly own?: readonly Ipv4[]
  /** The addresses of all interfaces that this service answers on, as they are now; only `own` without it. */
  readonly ours?: () => readonly Ipv4[]
  readonly settings: DhcpSettings
  readonly table: LeaseTable
  readonly store: LeaseStore
  /** Looks for machines that use an address without asking; without it none is looked for. */
  readonly probe?: ConflictProbe
  /** Asks before it listens whether another server answers, and refuses to start beside one that is not allowed. */
  readonly others?: LookForOthers
  /** Addresses of other servers of the same store, of which nobody has to be told. */
  readonly fellows?: () => readonly Ipv4[]
  /** Milliseconds to leave to other servers of the same store, by the machine and the seconds that it says it has been asking. */
  readonly turn?: (mac: Mac, secs: number) => number
  /** Whether the first loader led the machine nowhere; without it every machine gets the first one for its firmware. */
  readonly usesOtherLoader?: (mac: Mac) => boolean
  readonly clock: Clock
  /** Milliseconds of a clock that nobody sets, to see when more arrives than can be answered; without it nothing ever waits. */
  readonly steady?: () => number
  readonly log: Logger
  readonly onEvent: (event: DhcpEvent) => void
  /** As MessageExchangeOptions has it. */
  readonly onPacket?: (datagram: DhcpDatagram) => void
}

export interface DhcpServer {
  /** Puts new settings in force for the next packet; leases stay. */
  readonly configure: (settings: DhcpSettings) => void
  /** Listens on another socket from now on: the interface was made anew, and the one before is deaf. */
  readonly rebind: (bind: BindOptions | (() => BindOptions)) => Promise<void>
  /** The interface has other addresses: what machines are told from the next packet on. */
  readonly moveTo: (server: Ipv4, own: readonly Ipv4[]) => void
  /** Messages that wait to be decided on. */
  readonly waiting: number
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

/** Machines whose messages wait for another server's answer at once; further ones are answered without. */
const mostWaiting = 2048

/** Addresses tried in a row for one message; then the machine's next one goes on. */
const mostProbes = 3

const byWhom = (answer: ConflictAnswer): string => (answer.inUse ? answer.by : undefined) ?? 'a host behind a router'

/** In whose name an address is set aside that somebody uses unasked. */
const nobody = macFromBytes(Buffer.alloc(6))

class Server implements DhcpServer {
  #options: DhcpServerOptions
  #settings: DhcpSettings
  #standing: ServerContext & { now: number }
  #socket: UdpSocket | undefined
  /** Answers that wait for their lease to be saved. */
  readonly #unsent = new Set<Promise<void>>()
  #closing = false
  readonly #exchange: MessageExchange
  readonly #inbox: Inbox<undefined>
  readonly #pace: ProbePace
  readonly #trust = new ProbeTrust()
  /** Messages that are another server's to answer first. */
  readonly #waiting = new Map<Mac, Timer>()
  /** Offers that wait to hear whether somebody uses their address. */
  readonly #probing = new Map<Ipv4, { readonly outcome: Reply, readonly asked: ClientMessage }>()

  constructor (options: DhcpServerOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#standing = this.#stand(options.settings)
    this.#exchange = new MessageExchange({ ...options, ...options.others !== undefined && { ownMac: options.others.mac } })
    this.#pace = new ProbePace(options.clock.now())
    this.#inbox = new Inbox({
      steady: options.steady,
      isKnown: mac => this.#settings.reservations.byMac.has(mac) || this.#settings.named?.has(mac) === true,
      answer: (data, from) => { this.#answer(data, from) },
      onDropped: count => { this.#exchange.tellOverload(count) }
    })
  }

  async listen (): Promise<void> {
    const { network, bind, others } = this.#options
    if (others !== undefined) await refuseBesideOthers(others, this.#options)
    this.#socket = await network.bind(typeof bind === 'function' ? bind() : bind, this.#onDatagram)
  }

  readonly #onDatagram = (data: Buffer, from: Endpoint): void => { this.#inbox.receive(data, from, undefined, this.#socket) }

  async rebind (bind: BindOptions | (() => BindOptions)): Promise<void> {
    const { network } = this.#options
    await this.#socket?.close()
    this.#socket = undefined
    const socket = await network.bind(typeof bind === 'function' ? bind() : bind, this.#onDatagram)
    if (this.#closing) await socket.close()
    else this.#socket = socket
  }

  moveTo (server: Ipv4, own: readonly Ipv4[]): void {
    this.#options = { ...this.#options, server, own }
    this.#standing = this.#stand(this.#settings)
  }

  #stand (settings: DhcpSettings): ServerContext & { now: number } {
    const { server, own = [server], ours = () => own, table, usesOtherLoader = () => false } = this.#options
    const { store } = this.#options
    const promisedUntil = store.promisedUntil?.bind(store)
    return { ...settings, now: 0, server, own, ours: ours(), leases: table, usesOtherLoader, promisedUntil }
  }

  configure (settings: DhcpSettings): void {
    const { table, clock } = this.#options
    const lost = leasesWithout(table.values(), this.#standing.reservations, settings.reservations, clock.now())
    this.#settings = settings
    this.#standing = this.#stand(settings)
    for (const lease of lost) this.#end(lease, 'its reservation is gone')
    table.reset()
  }

  get waiting (): number { return this.#inbox.waiting }

  async release (ip: Ipv4): Promise<boolean> {
    const { table, clock } = this.#options
    const lease = table.get(ip)
    if (lease === undefined) return false
    return await this.#keep(released(lease, clock.now()))
  }

  /** Ends a lease that nobody asked to end. */
  #end (lease: Lease, reason: string): void {
    const { table, clock, log } = this.#options
    const ended = released(lease, clock.now())
    if (lease.state !== 'bound') {
      table.set(ended)
      return
    }
    this.#tellEnded(lease, reason)
    this.#keep(ended).catch((error: unknown) => { log.warn({ ip: formatIpv4(lease.ip), error: messageOf(error) }, 'lease.end_unsaved') })
  }

  #tellEnded ({ ip, mac }: Lease, reason: string): void {
    this.#options.log.warn({ ip: formatIpv4(ip), mac, reason }, 'dhcp.lease_ended')
    this.#options.onEvent({ kind: 'lease', change: 'ended', mac, ip })
  }

  async close (): Promise<void> {
    this.#closing = true
    for (const timer of this.#waiting.values()) timer.cancel()
    await Promise.all(this.#unsent)
    await this.#socket?.close()
  }

  #answer (data: Buffer, from: Endpoint): void {
    if (this.#closing) return
    this.#exchange.receive(data, from, asked => {
      this.#watchOthers(asked)
      this.#inTurn(asked)
    }, this.#socket?.local.port)
  }

  /** Messages for no server in particular: who is not the first to answer waits whether the first one does. */
  #inTurn (asked: ClientMessage): void {
    const { turn, clock, table } = this.#options
    const { request: { secs, options: { dhcpMessageType, serverIdentifier } }, client: { mac } } = asked
    this.#waiting.get(mac)?.cancel()
    this.#waiting.delete(mac)
    const isForAll = dhcpMessageType === 'DISCOVER' || (dhcpMessageType === 'REQUEST' && serverIdentifier === undefined)
    const delay = isForAll ? turn?.(mac, secs) ?? 0 : 0
    if (delay === 0 || this.#waiting.size >= mostWaiting) {
      this.#decide(asked)
      return
    }
    const [before] = table.ofMac(mac)
    this.#waiting.set(mac, clock.after(delay, () => {
      this.#waiting.delete(mac)
      if (this.#closing) return
      // What was written meanwhile another one wrote, who answered.
      if (table.ofMac(mac)[0] === before) this.#exchange.contain(asked, () => { this.#decide(asked) })
      else this.#exchange.drop('other_server', 'it has answered already', asked)
    }))
  }

  /** A machine that takes another server's offer says so to all. */
  #watchOthers ({ request, client: { mac } }: ClientMessage): void {
    const { log, onEvent, fellows } = this.#options
    const { dhcpMessageType, serverIdentifier: ip } = request.options
    if (dhcpMessageType !== 'REQUEST' || ip === undefined || fellows?.().includes(ip) === true || isOurs(ip, request, this.#standing) || !this.#exchange.firstInAWhile(`other_server ${ip}`)) return
    log.warn({ ip: formatIpv4(ip), mac }, 'dhcp.other_server')
    onEvent({ kind: 'other_server', ip, mac })
  }

  #decide (asked: ClientMessage, probes = 0): void {
    const outcome = handleDhcp(asked, this.#context())
    if (this.#isShared && outcome.kind === 'reply' && outcome.reply.options.dhcpMessageType === 'NAK') this.#refuseForSure(asked, probes)
    else this.#carryOut(outcome, asked, probes)
  }

  /** A NAK leaves only when it is known that no other server gave the machine what it asks for. */
  #refuseForSure (asked: ClientMessage, probes: number): void {
    const { requestedIpAddress } = asked.request.options
    const sent = this.#options.store.settle!(requestedIpAddress ?? asked.request.ciaddr)
      .then(() => { this.#exchange.contain(asked, () => { this.#carryOut(handleDhcp(asked, this.#context()), asked, probes) }) })
      .catch((error: unknown) => { this.#exchange.drop('store_away', messageOf(error), asked) })
      .finally(() => { this.#unsent.delete(sent) })
    this.#unsent.add(sent)
  }

  /** The same object for every packet, with its time: a decision is over before the next packet is looked at. */
  #context (): ServerContext {
    this.#standing.now = this.#options.clock.now()
    return this.#standing
  }

  #carryOut (outcome: Outcome, asked: ClientMessage, probes: number): void {
    const { log, onEvent } = this.#options
    const { mac } = asked.client
    switch (outcome.kind) {
      case 'drop':
        this.#exchange.drop(outcome.reason, outcome.detail ?? '', asked)
        return
      case 'change':
        log.info({ mac, ip: formatIpv4(outcome.lease.ip) }, `dhcp.${outcome.what}`)
        onEvent({ kind: 'lease', change: outcome.what, mac, ip: outcome.lease.ip })
        if (outcome.durable) this.#keep(outcome.lease).catch(() => {})
        else this.#options.table.set(outcome.lease)
        return
      case 'reply':
        for (const lease of outcome.ended ?? []) this.#end(lease, `the machine is told ${outcome.reply.options.dhcpMessageType ?? ''} elsewhere`)
        if (outcome.lease !== undefined && outcome.durable) this.#sendWhenKept(outcome, outcome.lease, asked, probes)
        else if (outcome.lease !== undefined && outcome.reserved !== true && this.#isShared) {
          this.#offerWhenKept(outcome, outcome.lease, asked, probes)
        } else this.#offer(outcome, asked, probes)
    }
  }

  /** Whether other servers give addresses of the same ranges. */
  get #isShared (): boolean { return this.#options.store.settle !== undefined }

  /** Where others give addresses of the same range, an offer is kept before it is made. */
  #offerWhenKept (outcome: Reply, lease: Lease, asked: ClientMessage, probes: number): void {
    this.#whenKept(lease, asked, probes, () => { this.#offer(outcome, asked, probes) })
  }

  /**
   * No ACK before its lease is on disk: an address of a range that is given twice after a power cut breaks two machines. An
   * address that is reserved can't be, so that its machine boots whatever the disk does.
   */
  #sendWhenKept (outcome: Reply, lease: Lease, asked: ClientMessage, probes: number): void {
    if (outcome.reserved === true) {
      const { table, store, clock } = this.#options
      table.set(lease)
      // A lease that could not be saved is told of by its store, and is in force all the same.
      const kept = store.propose({ lease, now: clock.now(), reserved: true }).then(() => {}, () => {})
        .finally(() => { this.#unsent.delete(kept) })
      this.#unsent.add(kept)
      this.#send(outcome, asked)
      return
    }
    this.#whenKept(lease, asked, probes, () => { this.#send(outcome, asked) })
  }

  #whenKept (lease: Lease, asked: ClientMessage, probes: number, go: () => void): void {
    const sent = this.#keep(lease)
      .then(isKept => {
        if (isKept) go()
        else this.#decideAnew(lease, asked, probes)
      })
      .catch((error: unknown) => { this.#options.onEvent({ kind: 'dropped', reason: 'unsaved', detail: messageOf(error), mac: asked.client.mac }) })
      .finally(() => { this.#unsent.delete(sent) })
    this.#unsent.add(sent)
  }

  /** The store knows whose address it is, and the table does by now. */
  #decideAnew ({ ip }: Lease, asked: ClientMessage, probes: number): void {
    const { table, log, onEvent } = this.#options
    const { mac } = asked.client
    const holder = table.get(ip)?.mac
    log.warn({ ip: formatIpv4(ip), mac, holder }, 'dhcp.lease_refused')
    onEvent({ kind: 'lease', change: 'refused', mac, ip })
    if (probes < mostProbes) this.#exchange.contain(asked, () => { this.#decide(asked, probes + 1) })
    else this.#exchange.drop('lease_refused', `${formatIpv4(ip)} is held by ${holder ?? 'another machine'}`, asked)
  }

  /** Sends what needs no sync: at once, or when it was seen that nobody uses the address. */
  #offer (outcome: Reply, asked: ClientMessage, probes: number): void {
    const { lease, probe, holder } = outcome
    const { table } = this.#options
    const pending = this.#probing.get(outcome.reply.yiaddr)
    if (lease !== undefined) table.set(lease)
    if (pending !== undefined && outcome.reply.yiaddr !== unspecified) {
      // The machine asked again meanwhile: what it sent last is what it waits for an answer to.
      const before = pending.outcome.holder
      this.#probing.set(outcome.reply.yiaddr, { outcome: before === undefined ? outcome : { ...outcome, holder: before }, asked })
    } else if (lease !== undefined && probe && this.#options.probe !== undefined && (this.#hasSlackToAsk() || holder !== undefined)) {
      this.#probing.set(lease.ip, { outcome, asked })
      const done = this.#askWhoUses(this.#options.probe, lease.ip, asked.client.mac, probes).finally(() => { this.#unsent.delete(done) })
      this.#unsent.add(done)
    } else {
      if (holder !== undefined) this.#tellEnded(holder, `${formatIpv4(holder.ip)} is reserved for ${asked.client.mac}`)
      this.#send(outcome, asked)
    }
  }

  /** Of a reserved address that another machine holds it is asked whatever else there is to do: there are few of those. */
  #hasSlackToAsk (): boolean {
    const { pace, began } = this.#pace.next(this.#options.clock.now(), this.#inbox.waiting > 0)
    if (began) this.#options.log.info({ hint: 'more machines ask at once than addresses can be looked at: offers go out unasked until it is quieter' }, 'dhcp.probe_paused')
    return pace === 'ask'
  }

  /** Ends with the offer, or with the address left to who uses it and the request decided anew. */
  async #askWhoUses (probe: ConflictProbe, ip: Ipv4, mac: Mac, probes: number): Promise<void> {
    const { table, clock, log, onEvent } = this.#options
    const answer = await probe.ask(ip, mac)
    const pending = this.#probing.get(ip)
    this.#probing.delete(ip)
    const held = table.get(ip)
    if (pending === undefined || held?.mac !== mac || held.state !== 'offered') return
    const { outcome, outcome: { holder }, asked } = pending
    // Who had a reserved address before and still answers is no trick of the network.
    const { believed, told } = holder === undefined ? this.#trust.heard(answer.inUse) : { believed: true, told: false }
    if (told) log.warn({ ip: formatIpv4(ip), by: byWhom(answer), hint: 'something answers for every address there: offers go out unasked' }, 'dhcp.probe_distrusted')
    if (!answer.inUse || !believed) {
      if (holder !== undefined) this.#tellEnded(holder, `${formatIpv4(ip)} is reserved for ${mac}`)
      this.#send(outcome, asked)
      return
    }
    log.warn({ ip: formatIpv4(ip), mac, by: byWhom(answer) }, 'dhcp.conflict')
    onEvent({ kind: 'lease', change: 'conflict', mac, ip })
    if (holder !== undefined) {
      if (isActive(holder, clock.now())) table.set(holder)
      else table.delete(ip)
      this.#exchange.drop('reservation_in_use', `${formatIpv4(ip)} is ${holder.state} by ${holder.mac}, and ${byWhom(answer)} answers there`, asked)
      return
    }
    // Not set aside in this machine's name: it declined nothing.
    this.#keep(setAside(held, nobody, clock.now())).catch(() => {})
    if (probes < mostProbes) this.#exchange.contain(asked, () => { this.#decide(asked, probes + 1) })
  }

  /**
   * Puts the change in force at once, so that the next packet is decided with it, and proposes it to the store. false when the
   * address is another machine's: its lease is in force then.
   */
  async #keep (lease: Lease): Promise<boolean> {
    const { table, store, clock } = this.#options
    const before = table.get(lease.ip)
    table.set(lease)
    try {
      const disposal = await store.propose({ lease, now: clock.now() })
      if (disposal.kind === 'refused' && table.get(lease.ip) === lease) table.set(disposal.holder)
      return disposal.kind === 'kept'
    } catch (error) {
      if (table.get(lease.ip) === lease) {
        if (before === undefined) table.delete(lease.ip)
        else table.set(before)
      }
      throw error
    }
  }

  #send ({ reply, to, bootFile }: Reply, asked: ClientMessage): void {
    if (this.#socket === undefined) return
    const name = `dhcp.${(reply.options.dhcpMessageType ?? 'BOOTP').toLowerCase()}`
    const where = { address: formatIpv4(to.ip), port: to.port }
    this.#exchange.send(this.#socket, { reply, to: where, name, ...bootFile !== undefined && { bootFile } }, asked)
  }
}
