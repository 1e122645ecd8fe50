// What the DHCP and the ProxyDHCP server do alike with messages: read them, limit what one machine may send, count and log
// them, survive a mistake in deciding on one, and send the answer. Who gets what is decided elsewhere.
import type { Clock } from '../base/clock.js'
import { DecodeError } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { ByteWriter } from '../net/bytes.js'
import type { Endpoint } from '../net/endpoint.js'
import type { ArpLookup } from '../net/arp-lookup.js'
import { formatIpv4, type Ipv4, limitedBroadcast, parseIpv4, unspecified } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { UdpSocket } from '../net/udp.js'
import { clientInfo, type ClientMessage, ownQuestionClass } from './client-info.js'
import { ports } from './constants.js'
import { describePacket } from './describe.js'
import type { AnyDropReason, DhcpEvent } from './dhcp-event.js'
import { decodePacket, type DhcpPacket, encodePacket, type OptionFault } from './packet.js'
import { type Rate, RateLimiter, TokenBucket } from '../base/rate-limit.js'
import { replyLimit } from './reply.js'
import { transactionOf, Transactions } from './transactions.js'

export interface MessageExchangeOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly onEvent: (event: DhcpEvent) => void
  /** The interface's own hardware address, as it is now: the kernel hands what this machine asks there to every socket, ours too. */
  readonly ownMac?: () => Mac | undefined
  /** Whether a neighbour has answered ARP; without it of none it is known. */
  readonly neighbour?: ArpLookup['find']
  /** Whether an address is in a network that addresses are given of; without it in none. */
  readonly serves?: (ip: Ipv4) => boolean
  /** Hears why the kernel refuses what goes to all on the link, and undefined when it takes that again. */
  readonly onRefused?: (why: string | undefined) => void
  /** Is told of each message that is looked at, and of each answer, as it is on the wire. */
  readonly onPacket?: (datagram: DhcpDatagram) => void
}

export interface DhcpDatagram {
  readonly mac: Mac
  readonly data: Buffer
  /** Where it came from, or goes to. */
  readonly peer: Endpoint
  /** Ours. */
  readonly port: number
  readonly isSent: boolean
}

export interface OutgoingReply {
  readonly reply: DhcpPacket
  readonly to: Endpoint
  readonly bootFile?: string
  /** What the log calls it: `dhcp.offer`. */
  readonly name: string
}

/** What one machine may send: a boot takes some ten messages, a client that hangs repeats itself once a second. */
export const requestRate: Rate = { burst: 20, perSecond: 5 }

/** What comes in beside that of transactions that come back, and of one of them: a DISCOVER, its REQUEST, and each once more. */
export const returningRate: Rate = { burst: 20, perSecond: 5 }
const transactionRate: Rate = { burst: 4, perSecond: 1 }

/**
 * What is sent to one address that a message names and does not come from, in no network of ours. A relay agent may have several, and send
 * from another one than it writes into `giaddr` (RFC 3527); a stranger would have us send to whomever he likes. It is counted by where
 * the messages come from as well, so that he takes nothing from a relay agent.
 */
export const elsewhereRate: Rate = { burst: 1000, perSecond: 100 }

/** How many machines the limits remember, and how many the log remembers having told of. */
export const rememberedMachines = 4096

/** A machine that asks again and again is told of once in ten minutes. */
const tellRate: Rate = { burst: 1, perSecond: 1 / 600 }

/** Reasons that a person who waits for a machine to boot wants to read; the rest is everyday traffic. */
const worthTelling: ReadonlySet<AnyDropReason> = new Set([
  'unknown_client', 'no_range', 'pool_exhausted', 'reservation_in_use', 'reservation_declined', 'unknown_subnet', 'declines_too_often', 'lease_refused',
  'rate_limited', 'hardware_type', 'no_message_type'
])

/** And of all machines so many, since a stranger can be any number of them. Those that are not told of are counted all the same. */
const tellAllRate: Rate = { burst: 200, perSecond: 10 }

/** What somebody has to mend, and no machine can: at level warn, each once a minute whatever machine asks. */
const needsMending: ReadonlySet<AnyDropReason> = new Set(['pool_exhausted', 'unknown_subnet', 'reservation_in_use', 'unsent'])
const alarmRate: Rate = { burst: 1, perSecond: 1 / 60 }

const everybody = formatIpv4(limitedBroadcast)

/**
 * How much of the socket's buffer the kernel may hold already when an answer goes to a relay agent or machine on the link that has not
 * answered ARP, when the message came from there, and when it goes behind a router. Whoever names relay agents that are not there has their
 * answers held, and there is room for all others: also for one that is there and of which the kernel has forgotten where, as it does of
 * who is silent for a minute beside many. Some ask for nobody's hardware address for hours, so that it is not heard anew.
 */
export const mostHeld = { onLink: 1 / 4, backOnLink: 1 / 2, behindRouter: 1 / 2 } as const

/** What doctor asks and nothing more: in this machine's name nobody else takes, declines or gives back an address. */
const isQuestion = ({ giaddr, options }: DhcpPacket): boolean =>
  options.vendorClassIdentifier === ownQuestionClass && giaddr === unspecified && (options.dhcpMessageType === 'DISCOVER' || options.dhcpMessageType === 'INFORM')

export class MessageExchange {
  readonly #options: MessageExchangeOptions
  readonly #requests = new RateLimiter<string>(requestRate, rememberedMachines)
  readonly #transactions = new Transactions()
  readonly #returning = new RateLimiter<string>(returningRate, rememberedMachines)
  readonly #ofTransaction = new RateLimiter<number>(transactionRate, rememberedMachines)
  readonly #elsewhere = new RateLimiter<string>(elsewhereRate, rememberedMachines)
  readonly #told = new RateLimiter<string>(tellRate, rememberedMachines)
  readonly #toldInAll: TokenBucket
  readonly #alarms = new RateLimiter<string>(alarmRate, needsMending.size)
  /** Whether what went to all was not taken last. */
  #isRefused = false
  /** One message is sent before the next is written. */
  readonly #writer = new ByteWriter()

  constructor (options: MessageExchangeOptions) {
    this.#options = options
    this.#toldInAll = new TokenBucket(tellAllRate, options.clock.now())
  }

  /** Has `decide` look at the message in a datagram to our `port`, if it holds one that may come in; whatever happens, this returns. */
  receive (data: Buffer, from: Endpoint, decide: (asked: ClientMessage) => void, port: number = ports.server): void {
    const request = this.#read(data)
    if (request === undefined) return
    const { log, onEvent, ownMac, onPacket } = this.#options
    const client = clientInfo(request)
    const isOwn = client.mac === ownMac?.()
    const isOwnQuestion = isOwn && isQuestion(request)
    if (isOwn && !isOwnQuestion) return
    const asked = { request, client, from: parseIpv4(from.address) ?? unspecified, ...isOwnQuestion && { isOwnQuestion } }
    if (!this.#mayCome(client.mac, request, from)) {
      this.drop('rate_limited', from.address === '0.0.0.0' ? '' : `from ${from.address}`, asked)
      return
    }
    if (request.faults !== undefined) this.#tellFaults(request.faults, asked)
    if (log.isLevelEnabled('debug')) log.debug({ packet: describePacket(request) }, 'dhcp.received')
    onEvent({ kind: 'received', type: request.options.dhcpMessageType ?? 'BOOTP', client, packet: request })
    onPacket?.({ mac: client.mac, data, peer: from, port, isSent: false })
    this.contain(asked, () => { decide(asked) })
  }

  /**
   * A flood in a machine's name is no reason to leave the machine itself unheard: what it may send is counted by where it comes from, and
   * where that is forged too, it is known by coming back.
   */
  #mayCome (mac: Mac, { xid, giaddr }: DhcpPacket, { address }: Endpoint): boolean {
    const now = this.#options.clock.now()
    const [sender, transaction] = [`${mac} ${address} ${giaddr}`, transactionOf(mac, xid)]
    const isBack = this.#transactions.heard(transaction, now)
    return this.#requests.take(sender, now) || (isBack && this.#ofTransaction.take(transaction, now) && this.#returning.take(sender, now))
  }

  #tellFaults (faults: readonly OptionFault[], { client: { mac } }: ClientMessage): void {
    const { log, onEvent } = this.#options
    for (const { code, why } of faults) {
      onEvent({ kind: 'odd_option', code, why, mac })
      const level = this.firstInAWhile(`option ${code} ${mac}`) ? 'info' : 'debug'
      if (log.isLevelEnabled(level)) log[level]({ mac, option: code, reason: why }, 'dhcp.odd_option')
    }
  }

  /** No packet ends the process, not even one that finds a mistake of ours. */
  contain ({ request, client: { mac } }: ClientMessage, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#options.log.error({ mac, packet: describePacket(request), error }, 'dhcp.failed')
      this.#options.onEvent({ kind: 'dropped', reason: 'failed', detail: '', mac })
    }
  }

  drop (reason: AnyDropReason, detail: string, { request, client: { mac } }: ClientMessage): void {
    const { log, onEvent } = this.#options
    onEvent({ kind: 'dropped', reason, detail, mac })
    const first = worthTelling.has(reason) && this.firstInAWhile(`${reason} ${mac}`)
    const level = needsMending.has(reason) && this.#alarms.take(reason, this.#options.clock.now()) ? 'warn' : first ? 'info' : 'debug'
    if (log.isLevelEnabled(level)) log[level]({ mac, xid: request.xid, reason, ...detail !== '' && { detail } }, 'dhcp.drop')
  }

  /** So many messages were dropped unread, because more arrive than can be answered. */
  tellOverload (dropped: number): void {
    const { log, onEvent } = this.#options
    onEvent({ kind: 'dropped', reason: 'overload', detail: '', count: dropped })
    if (this.firstInAWhile('overload')) {
      log.warn({ hint: 'more DISCOVERs arrive than can be answered: the oldest are dropped, and their machines ask again' }, 'dhcp.overload')
    }
  }

  /** False when the kernel does not take it, or it may not be sent: then it counts as no answer. */
  send (socket: UdpSocket, { reply, to, bootFile, name }: OutgoingReply, asked: ClientMessage): boolean {
    const { request, client } = asked
    const { mac } = client
    const { log, onEvent, onPacket } = this.#options
    if (!this.#mayGo(to, asked)) {
      this.drop('rate_limited', `to ${to.address}, from ${formatIpv4(asked.from)}`, asked)
      return false
    }
    let leftOut: number[] | undefined
    const onLeftOut = (code: number): void => { (leftOut ??= []).push(code) }
    const bytes = encodePacket(reply, { maximum: replyLimit(request), onLeftOut, writer: this.#writer })
    if (leftOut !== undefined) {
      onEvent({ kind: 'options_left_out', count: leftOut.length, mac })
      const hint = `the machine takes ${replyLimit(request)} octets at most: set fewer or shorter options`
      if (this.firstInAWhile(`left out ${mac}`)) log.warn({ mac, options: leftOut, hint }, 'dhcp.options_left_out')
    }
    const refusal = this.#put(socket, bytes, to, asked)
    if (to.address === everybody) this.#toAll(refusal)
    if (refusal !== undefined) {
      this.drop('unsent', `${refusal} to ${to.address}`, asked)
      return false
    }
    onPacket?.({ mac, data: bytes, peer: to, port: socket.local.port, isSent: true })
    log.info({
      mac,
      xid: request.xid,
      ...reply.yiaddr !== unspecified && { ip: formatIpv4(reply.yiaddr) },
      ...bootFile !== undefined && { file: bootFile },
      ...request.giaddr !== unspecified && { relay: formatIpv4(request.giaddr) }
    }, name)
    if (log.isLevelEnabled('debug')) log.debug({ packet: describePacket(reply), to: to.address }, 'dhcp.sent')
    onEvent({ kind: 'sent', type: reply.options.dhcpMessageType ?? 'BOOTP', client, ip: reply.yiaddr, packet: request, bootFile })
    return true
  }

  #mayGo ({ address }: Endpoint, { from }: ClientMessage): boolean {
    const ip = address === everybody ? from : parseIpv4(address) ?? from
    const { neighbour, serves, clock } = this.#options
    if (ip === from || serves?.(ip) === true || neighbour?.(ip) !== undefined) return true
    return this.#elsewhere.take(`${from} ${ip}`, clock.now())
  }

  /** Why it is not sent, as far as that is known at once; what is known later counts as dropped. */
  #put (socket: UdpSocket, bytes: Uint8Array, to: Endpoint, asked: ClientMessage): string | undefined {
    if (this.#isHeldBack(socket, to, asked)) return 'too much is held for others that do not answer ARP'
    const now = socket.sendNow?.(bytes, to)
    if (now !== undefined) return now?.message
    let [refusal, isLate]: [string | undefined, boolean] = [undefined, false]
    socket.send(Buffer.from(bytes), to, error => {
      if (isLate && error !== null) this.drop('unsent', `${error.message} to ${to.address}`, asked)
      refusal = error?.message
    })
    isLate = true
    return refusal
  }

  /** A neighbour that has answered ARP is sent to at once, and so is who is behind a router that has: which one, is not known here. */
  #isHeldBack ({ unsentShare }: UdpSocket, { address }: Endpoint, { from }: ClientMessage): boolean {
    if (unsentShare === undefined || address === everybody) return false
    const ip = parseIpv4(address)
    const entry = ip === undefined ? undefined : this.#options.neighbour?.(ip)
    if (entry?.mac !== undefined) return false
    return unsentShare() >= mostHeld[entry === undefined ? 'behindRouter' : ip === from ? 'backOnLink' : 'onLink']
  }

  #toAll (refusal: string | undefined): void {
    if (this.#isRefused === (refusal !== undefined)) return
    this.#isRefused = refusal !== undefined
    this.#options.onRefused?.(refusal)
  }

  /** Whether `what` was not told of for ten minutes, and not too much else was just now. */
  firstInAWhile (what: string): boolean {
    const now = this.#options.clock.now()
    return this.#told.take(what, now) && this.#toldInAll.take(now)
  }

  #read (data: Buffer): DhcpPacket | undefined {
    try {
      return decodePacket(data)
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      const { log, onEvent } = this.#options
      log.debug({ reason: error.code, offset: error.offset, bytes: data.length }, 'dhcp.malformed')
      onEvent({ kind: 'dropped', reason: 'malformed', detail: error.code })
      return undefined
    }
  }
}
