// The DHCP server's transport: datagrams in, decisions from server-decision, leases to their store, datagrams out.
import { messageOf } from '../base/errors.js'
import type { ConflictProbe } from '../net/conflict-probe.js'
import type { Endpoint } from '../net/endpoint.js'
import { formatIpv4, type Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { UdpSocket } from '../net/udp.js'
import { AnswerTurns } from './answer-turns.js'
import { type AnsweringOptions, type Bind, bindOptions } from './answering-options.js'
import type { ClientMessage } from './client-info.js'
import { Inbox } from './inbox.js'
import { LeaseKeeper } from './lease-keeper.js'
import type { LeaseStore } from './lease-store.js'
import type { Lease, LeaseTable } from './leases.js'
import { MessageExchange } from './message-exchange.js'
import { OfferProbes } from './offer-probes.js'
import { type LookForOthers, OtherServers } from './other-servers.js'
import { leasesWithout } from './reservations.js'
import { handleDhcp, isOurs, type ServerOutcome, type Reply, type ServerContext } from './server-decision.js'
import { type DhcpSettings, standingContext } from './server-settings.js'
import { subnetWith } from './subnet.js'

export interface DhcpServerOptions extends AnsweringOptions {
  /** Opened after it was asked whether another server answers. */
  readonly bind: Bind
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
}

export interface DhcpServer {
  /** Puts new settings in force for the next packet; leases stay. */
  readonly configure: (settings: DhcpSettings) => void
  /** Listens on another socket from now on: the interface was made anew, and the one before is deaf. */
  readonly rebind: (bind: Bind) => Promise<void>
  /** The interface has other addresses: what machines are told from the next packet on. */
  readonly moveTo: (server: Ipv4, own: readonly Ipv4[]) => void
  /** Whether machines on the interface can be heard: it is taken for granted until this says otherwise. */
  readonly linkIs: (up: boolean) => void
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

/** How often in a row one message is decided on, then its machine's next one: four addresses may be in use before others are known. */
const mostDecisions = 5

class Server implements DhcpServer {
  #options: DhcpServerOptions
  #settings: DhcpSettings
  #standing: ServerContext & { now: number }
  #socket: UdpSocket | undefined
  /** Answers that wait for their lease to be saved, or for a probe. */
  readonly #unsent = new Set<Promise<void>>()
  #closing = false
  readonly #others = new OtherServers()
  #isUp = true
  readonly #exchange: MessageExchange
  readonly #inbox: Inbox<undefined>
  readonly #keeper: LeaseKeeper
  readonly #probes: OfferProbes
  readonly #turns: AnswerTurns

  constructor (options: DhcpServerOptions) {
    this.#options = options
    this.#settings = options.settings
    this.#standing = standingContext(options.settings, options)
    this.#exchange = new MessageExchange({ ...options, serves: ip => subnetWith(this.#settings.subnets, ip) !== undefined })
    this.#keeper = new LeaseKeeper(options)
    this.#turns = new AnswerTurns({ ...options, turn: options.turn })
    this.#probes = new OfferProbes({
      ...options,
      probe: options.probe,
      keeper: this.#keeper,
      context: () => this.#context(),
      isBehind: () => this.#inbox.waiting > 0,
      isAlone: () => this.#isUp && this.#socket !== undefined && !this.#isShared && this.#others.isAlone(options.clock.now())
    })
    this.#inbox = new Inbox({
      steady: options.steady,
      isKnown: mac => this.#settings.reservations.byMac.has(mac) || this.#settings.named?.has(mac) === true,
      answer: (data, from) => { this.#answer(data, from) },
      onDropped: count => { this.#exchange.tellOverload(count) }
    })
  }

  async listen (): Promise<void> {
    const { network, bind, others } = this.#options
    if (others !== undefined) await this.#others.start(others, this.#options)
    try {
      this.#socket = await network.bind(bindOptions(bind), this.#onDatagram)
    } catch (error) {
      await this.#others.end()
      throw error
    }
    this.#probes.start()
  }

  readonly #onDatagram = (data: Buffer, from: Endpoint): void => { this.#inbox.receive(data, from, undefined, this.#socket) }

  async rebind (bind: Bind): Promise<void> {
    const { network } = this.#options
    this.#probes.forget()
    await this.#socket?.close()
    this.#socket = undefined
    const socket = await network.bind(bindOptions(bind), this.#onDatagram)
    if (this.#closing) await socket.close()
    else this.#socket = socket
  }

  moveTo (server: Ipv4, own: readonly Ipv4[]): void {
    this.#probes.forget()
    this.#options = { ...this.#options, server, own }
    this.#standing = standingContext(this.#settings, this.#options)
  }

  linkIs (up: boolean): void {
    if (!up) this.#probes.forget()
    this.#isUp = up
  }

  configure (settings: DhcpSettings): void {
    const { table, clock } = this.#options
    const lost = leasesWithout(table.values(), this.#standing.reservations, settings.reservations, clock.now())
    const isSame = settings.reservations.byIp === this.#settings.reservations.byIp && settings.subnets === this.#settings.subnets
    this.#settings = settings
    this.#standing = standingContext(settings, this.#options)
    for (const lease of lost) this.#keeper.end(lease, 'its reservation is gone')
    if (!isSame) table.reset()
  }

  get waiting (): number { return this.#inbox.waiting }

  release (ip: Ipv4): Promise<boolean> { return this.#keeper.release(ip) }

  async close (): Promise<void> {
    this.#closing = true
    this.#turns.close()
    this.#probes.close()
    await Promise.all([...this.#unsent, this.#others.end()])
    await this.#socket?.close()
  }

  #answer (data: Buffer, from: Endpoint): void {
    if (this.#closing) return
    this.#exchange.receive(data, from, asked => {
      this.#watchOthers(asked)
      this.#turns.take(asked, waited => {
        if (waited) this.#exchange.contain(asked, () => { this.#decide(asked) })
        else this.#decide(asked)
      }, () => { this.#exchange.drop('other_server', 'it has answered already', asked) })
    }, this.#socket?.local.port)
  }

  /** A machine that takes another server's offer says so to all. */
  #watchOthers ({ request, client: { mac } }: ClientMessage): void {
    const { log, onEvent, fellows } = this.#options
    const { dhcpMessageType, serverIdentifier: ip } = request.options
    if (dhcpMessageType !== 'REQUEST' || ip === undefined) return
    if (fellows?.().includes(ip) === true || isOurs(ip, request, this.#standing)) return
    this.#others.seen(this.#options.clock.now())
    const news = this.#exchange.firstInAWhile(`other_server ${ip}`)
    if (news) log.warn({ ip: formatIpv4(ip), mac }, 'dhcp.other_server')
    onEvent({ kind: 'other_server', ip, mac, news })
  }

  #decide (asked: ClientMessage, decisions = 1): void {
    const outcome = handleDhcp(asked, this.#context())
    if (this.#isShared && outcome.kind === 'reply' && outcome.reply.options.dhcpMessageType === 'NAK') this.#refuseForSure(asked, decisions)
    else this.#carryOut(outcome, asked, decisions)
  }

  /** A NAK leaves only when it is known that no other server gave the machine what it asks for. */
  #refuseForSure (asked: ClientMessage, decisions: number): void {
    const { requestedIpAddress } = asked.request.options
    this.#track(this.#options.store.settle!(requestedIpAddress ?? asked.request.ciaddr)
      .then(() => { this.#exchange.contain(asked, () => { this.#carryOut(handleDhcp(asked, this.#context()), asked, decisions) }) })
      .catch((error: unknown) => { this.#exchange.drop('store_away', messageOf(error), asked) }))
  }

  /** What `close` waits for. */
  #track (work: Promise<void>): void {
    const tracked = work.finally(() => { this.#unsent.delete(tracked) })
    this.#unsent.add(tracked)
  }

  /** The same object for every packet, with its time: a decision is over before the next packet is looked at. */
  #context (): ServerContext {
    this.#standing.now = this.#options.clock.now()
    return this.#standing
  }

  #carryOut (outcome: ServerOutcome, asked: ClientMessage, decisions: number): void {
    const { log, onEvent } = this.#options
    const { mac } = asked.client
    switch (outcome.kind) {
      case 'drop':
        this.#exchange.drop(outcome.reason, outcome.detail ?? '', asked)
        return
      case 'change':
        log.info({ mac, ip: formatIpv4(outcome.lease.ip) }, `dhcp.${outcome.what}`)
        onEvent({ kind: 'lease', change: outcome.what, mac, ip: outcome.lease.ip })
        if (outcome.durable) this.#keeper.keep(outcome.lease, { givenBack: outcome.what === 'released' }).catch(() => {})
        else this.#options.table.set(outcome.lease)
        return
      case 'reply':
        this.#endOthers(outcome)
        if (outcome.lease !== undefined && outcome.durable) this.#sendWhenKept(outcome, outcome.lease, asked, decisions)
        else if (outcome.lease !== undefined && outcome.reserved !== true && this.#isShared) {
          // Where others give addresses of the same range, an offer is kept before it is made.
          this.#whenKept(outcome.lease, asked, decisions, () => { this.#offer(outcome, asked, decisions) })
        } else this.#offer(outcome, asked, decisions)
    }
  }

  /** The machine's other leases. A reserved address is its own, whoever acknowledged another one since. */
  #endOthers ({ ended = [], reply, lease, reserved }: Reply): void {
    const how = lease !== undefined && reserved !== true ? { movesTo: lease.ip } : {}
    for (const one of ended) this.#keeper.end(one, `the machine is told ${reply.options.dhcpMessageType ?? ''} elsewhere`, how)
  }

  /** Whether other servers give addresses of the same ranges. */
  get #isShared (): boolean { return this.#options.store.settle !== undefined }

  /**
   * No ACK before its lease is on disk: an address of a range that is given twice after a power cut breaks two machines. An
   * address that is reserved can't be, so that its machine boots whatever the disk does.
   */
  #sendWhenKept (outcome: Reply, lease: Lease, asked: ClientMessage, decisions: number): void {
    if (outcome.reserved === true) {
      this.#track(this.#keeper.keepReserved(lease))
      this.#send(outcome, asked)
      return
    }
    this.#whenKept(lease, asked, decisions, () => { this.#send(outcome, asked) })
  }

  #whenKept (lease: Lease, asked: ClientMessage, decisions: number, go: () => void): void {
    this.#track(this.#keeper.keep(lease)
      .then(disposal => {
        if (disposal.kind === 'kept') go()
        else this.#decideAnew(lease, disposal.holder, asked, decisions)
      })
      .catch((error: unknown) => { this.#options.onEvent({ kind: 'dropped', reason: 'unsaved', detail: messageOf(error), mac: asked.client.mac }) }))
  }

  /** The store knows whose address it is, or which one the machine has, and the table does by now. */
  #decideAnew ({ ip }: Lease, holder: Lease, asked: ClientMessage, decisions: number): void {
    const { log, onEvent } = this.#options
    const { mac } = asked.client
    if (holder.mac === mac && holder.ip !== ip) {
      log.info({ ip: formatIpv4(ip), mac, holds: formatIpv4(holder.ip) }, 'dhcp.lease_elsewhere')
      // What it asked for may be older than what it was given elsewhere: who means it asks again.
      if (asked.request.options.dhcpMessageType === 'REQUEST') return this.#exchange.drop('lease_refused', `it has ${formatIpv4(holder.ip)}`, asked)
    } else {
      log.warn({ ip: formatIpv4(ip), mac, holder: holder.mac }, 'dhcp.lease_refused')
      onEvent({ kind: 'lease', change: 'refused', mac, ip })
    }
    if (decisions < mostDecisions) this.#exchange.contain(asked, () => { this.#decide(asked, decisions + 1) })
    else this.#exchange.drop('lease_refused', `${formatIpv4(ip)} is held by ${holder.mac}`, asked)
  }

  /** Sends what needs no sync: at once, or when it was seen that nobody uses the address. */
  #offer (outcome: Reply, asked: ClientMessage, decisions: number): void {
    const waiting = this.#probes.offer(outcome, asked, {
      send: (reply, to) => { this.#send(reply, to) },
      decideAnew: again => { if (decisions < mostDecisions) this.#exchange.contain(again, () => { this.#decide(again, decisions + 1) }) },
      drop: (given, reason) => { this.#exchange.drop('reservation_in_use', reason, given) }
    })
    if (waiting !== undefined) this.#track(waiting)
  }

  #send ({ reply, to, bootFile }: Reply, asked: ClientMessage): void {
    if (this.#socket === undefined) return
    const name = `dhcp.${(reply.options.dhcpMessageType ?? 'BOOTP').toLowerCase()}`
    const where = { address: formatIpv4(to.ip), port: to.port }
    this.#exchange.send(this.#socket, { reply, to: where, name, ...bootFile !== undefined && { bootFile } }, asked)
  }
}
