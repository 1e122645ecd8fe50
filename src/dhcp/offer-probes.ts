// Offers that wait to hear whether somebody uses their address (RFC 2131 section 3.1 step 2), as far as there is slack to ask, and as
// far as the answers can be believed. With each newcomer the addresses that are given next are looked at too (looks-ahead.ts), and the
// first of them while nobody comes (idle-watch.ts), so that few wait. An offer of an address that was found free a few minutes ago, and any
// where machines come in numbers, does not wait: a ROM takes seconds to choose among offers, and is told NAK when somebody was heard there
// meanwhile.
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import { byWhom, type ConflictAnswer, type ConflictProbe } from '../net/conflict-probe.js'
import { formatIpv4, type Ipv4, unspecified } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { upcomingOn } from './allocate.js'
import type { ClientMessage } from './client-info.js'
import type { DhcpEvent } from './dhcp-event.js'
import { IdleWatch } from './idle-watch.js'
import type { LeaseKeeper } from './lease-keeper.js'
import { isActive, type Lease, type LeaseTable, nobody } from './leases.js'
import { counts, type LookAhead, LooksAhead, mostAhead } from './looks-ahead.js'
import { ProbePace } from './probe-pace.js'
import { isBelievable, ProbeTrust } from './probe-trust.js'
import { ownOf, type Reply, type ServerContext, setAside } from './server-decision.js'
import { linkOf } from './subnet.js'
import { leaveUsed } from './used-addresses.js'

export interface OfferProbesOptions {
  /** Looks for machines that use an address without asking; without it none is looked for. */
  readonly probe: ConflictProbe | undefined
  readonly table: LeaseTable
  readonly keeper: LeaseKeeper
  readonly clock: Clock
  readonly log: Logger
  readonly onEvent: (event: DhcpEvent) => void
  /** Whether messages wait to be decided on. */
  readonly isBehind: () => boolean
  /** Whether this server gives the addresses of its link alone, and machines there are heard. */
  readonly isAlone: () => boolean
  /** What decisions are made with now, to see which addresses newcomers get next. */
  readonly context: () => ServerContext
}

/** What becomes of an offer. */
export interface OfferEnds {
  readonly send: (outcome: Reply, asked: ClientMessage) => void
  /** Its address is used by somebody: another one has to be found. */
  readonly decideAnew: (asked: ClientMessage) => void
  /** Its reserved address is used by the machine that `reason` names. */
  readonly drop: (asked: ClientMessage, reason: string) => void
}

/** So many offers wait at once. */
export const mostWaiting = 8

interface PendingOffer {
  outcome: Reply
  asked: ClientMessage
  /** Undefined when it went out already. */
  ends: OfferEnds | undefined
}

export class OfferProbes {
  readonly #options: OfferProbesOptions
  readonly #pace: ProbePace
  readonly #trust = new ProbeTrust()
  readonly #ahead = new LooksAhead<ConflictAnswer>()
  /** By the address that is asked after, what waits. */
  readonly #probing = new Map<Ipv4, PendingOffer>()
  /** Those of them that did not go out, but for reserved addresses that other machines hold. */
  readonly #waiting = new Set<PendingOffer>()
  #idle: IdleWatch | undefined

  constructor (options: OfferProbesOptions) {
    this.#options = options
    this.#pace = new ProbePace(options.clock.now())
  }

  /** Looks ahead while no machine comes, from now on. */
  start (): void {
    const { probe, isBehind, isAlone } = this.#options
    if (probe === undefined) return
    this.#idle = new IdleWatch({ ...this.#options, probe, looks: this.#ahead, pace: this.#pace, isIdle: () => isAlone() && !isBehind() })
  }

  close (): void { this.#idle?.close() }

  /** By another server of the same store, while the offer was kept. */
  #isBound ({ ip, mac }: Lease): boolean {
    const { table, clock } = this.#options
    const held = table.get(ip)
    return held?.mac === mac && held.state === 'bound' && isActive(held, clock.now())
  }

  /** Puts the offered lease in force, and ends with the offer: now, or when what is returned is fulfilled. */
  offer (outcome: Reply, asked: ClientMessage, ends: OfferEnds): Promise<void> | undefined {
    const { lease, holder } = outcome
    const { table, probe, keeper } = this.#options
    const pending = this.#probing.get(outcome.reply.yiaddr)
    const look = lease === undefined || holder !== undefined ? undefined : this.#lookedAt(lease)
    if (lease !== undefined && !this.#isBound(lease)) table.set(lease)
    if (pending !== undefined && outcome.reply.yiaddr !== unspecified) {
      // The machine asked again meanwhile: what it sent last is what it waits for an answer to.
      const before = pending.outcome.holder
      pending.outcome = before === undefined ? outcome : { ...outcome, holder: before }
      pending.asked = asked
      if (pending.ends === undefined) ends.send(outcome, asked)
      return undefined
    }
    if (lease !== undefined && outcome.probe && probe !== undefined) return this.#ask(probe, lease, look, { outcome, asked, ends })
    if (holder !== undefined) keeper.tellEnded(holder, `${formatIpv4(holder.ip)} is reserved for ${asked.client.mac}`)
    ends.send(outcome, asked)
    return undefined
  }

  /** Ends with an offer whose address has to be looked at, at once where that was done or there is no slack for it. */
  #ask (probe: ConflictProbe, lease: Lease, look: LookAhead<ConflictAnswer> | undefined, pending: PendingOffer): Promise<void> | undefined {
    const { outcome: { holder }, asked } = pending
    const { ip, mac } = lease
    const { clock, isBehind } = this.#options
    const now = clock.now()
    // Of a reserved address that another machine holds it is asked whatever else there is to do: there are few of those.
    const heard = look !== undefined && (look.answer?.inUse === true || (look.isOver && counts(look, now))) ? look.answer : undefined
    const isAsked = heard === undefined && (look?.isOver === false || this.#hasSlackToAsk(now) || holder !== undefined)
    const over = !isAsked ? undefined : look?.isOver === false ? look.over : probe.ask(ip, mac)
    if (holder === undefined) this.#lookAhead(probe, asked)
    if (heard !== undefined) return this.#conclude(heard, lease, pending)
    if (over === undefined) {
      this.#send(pending)
      return undefined
    }
    this.#probing.set(ip, pending)
    if (holder === undefined) this.#waiting.add(pending)
    if (look?.answer !== undefined) this.#send(pending)
    else if (this.#waiting.size > mostWaiting || this.#pace.isStorm(now, isBehind())) this.#sendAll()
    return this.#whenHeard(over, ip, mac)
  }

  #sendAll (): void { for (const pending of this.#waiting) this.#send(pending) }

  /** Sends the offer, unless it went out already. */
  #send (pending: PendingOffer): void {
    const { outcome, asked, ends } = pending
    pending.ends = undefined
    this.#waiting.delete(pending)
    ends?.send(outcome, asked)
  }

  #hasSlackToAsk (now: number): boolean {
    const { log, isBehind } = this.#options
    const { pace, began } = this.#pace.next(now, isBehind())
    if (began) {
      log.info({ hint: 'more machines ask at once than addresses can be looked at: offers go out unasked until it is quieter' }, 'dhcp.probe_paused')
      this.#sendAll()
    }
    return pace === 'ask'
  }

  /** A look that was begun before this address was given. */
  #lookedAt (lease: Lease): LookAhead<ConflictAnswer> | undefined {
    const { table, clock } = this.#options
    return this.#ahead.take(lease.ip, clock.now(), table.get(lease.ip), lease)
  }

  /** Begins to look at what the next newcomers get, as far as there is slack that no machine waits for. */
  #lookAhead (probe: ConflictProbe, asked: ClientMessage): void {
    const { table, clock, isBehind } = this.#options
    const now = clock.now()
    if (isBehind() || !this.#pace.hasSlack(now)) return
    const room = Math.min(mostAhead, this.#ahead.room(now))
    if (room <= 0) return
    const wanted = this.#upcoming(asked).filter(ip => !this.#ahead.has(ip, now)).slice(0, room)
    for (const ip of wanted.slice(0, this.#pace.ahead(now, wanted.length))) {
      this.#ahead.begin(ip, now, table.get(ip), probe.ask(ip, nobody))
    }
  }

  /** What newcomers on the link of who asked get next. */
  #upcoming ({ request }: ClientMessage): readonly Ipv4[] {
    const state = this.#options.context()
    return upcomingOn(linkOf(request, state.subnets, ownOf(state)), state, mostAhead)
  }

  /** What was heard is of a network that the service is not on any more. */
  forget (): void { this.#ahead.forget() }

  /** `others`: looks at addresses besides, which are over then. */
  async #whenHeard (over: Promise<ConflictAnswer>, ip: Ipv4, mac: Mac, others?: readonly Ipv4[]): Promise<void> {
    const answer = await over
    const pending = this.#probing.get(ip)
    this.#probing.delete(ip)
    const held = this.#options.table.get(ip)
    if (pending === undefined) return
    this.#waiting.delete(pending)
    if (held?.mac !== mac) return
    // Who has it by now answers for it too, which behind a router looks like anybody else.
    const isLate = held.state === 'bound' && pending.ends === undefined && answer.inUse && answer.by !== undefined
    if (held.state !== 'offered' && !isLate) return
    await this.#conclude(answer, held, pending, others)
  }

  /** Ends with the offer, or with the address left to who uses it and the request decided anew. */
  #conclude (answer: ConflictAnswer, held: Lease, pending: PendingOffer, others?: readonly Ipv4[]): Promise<void> | undefined {
    const { table, keeper, clock, log, onEvent } = this.#options
    const { outcome: { holder }, asked, ends } = pending
    const { ip, mac } = held
    // Of a look ahead it was not known yet who is to get the address: it is no conflict that this machine has it.
    const inUse = answer.inUse && answer.by !== mac
    if (inUse && holder === undefined && others === undefined && this.#trust.isInDoubt) {
      const upcoming = this.#upcoming(asked)
      this.#probing.set(ip, pending)
      return this.#whenHeard(this.#ahead.over(upcoming).then(() => answer), ip, mac, upcoming)
    }
    const answers = this.#ahead.answers(others ?? [], clock.now())
    const othersAreFree = isBelievable(answers)
    // Or this machine would find them one after the other, and each of its messages a few.
    if (othersAreFree) leaveUsed(answers, { ...this.#options, looks: this.#ahead })
    // Who had a reserved address before and still answers is no trick of the network.
    const { believed, told } = holder === undefined ? this.#trust.heard(inUse, othersAreFree) : { believed: true, told: false }
    if (told) log.warn({ ip: formatIpv4(ip), by: byWhom(answer), hint: 'something answers for every address there: offers go out unasked' }, 'dhcp.probe_distrusted')
    if (!inUse || !believed) {
      if (holder !== undefined) keeper.tellEnded(holder, `${formatIpv4(ip)} is reserved for ${mac}`)
      this.#send(pending)
      return undefined
    }
    log.warn({ ip: formatIpv4(ip), mac, by: byWhom(answer) }, 'dhcp.conflict')
    onEvent({ kind: 'lease', change: 'conflict', mac, ip })
    if (holder !== undefined) {
      if (isActive(holder, clock.now())) table.set(holder)
      else table.delete(ip)
      ends?.drop(asked, `${formatIpv4(ip)} is ${holder.state} by ${holder.mac}, and ${byWhom(answer)} answers there`)
      return undefined
    }
    // Whether a machine keeps what it was acknowledged is for its own look to say (RFC 5227), and it sends DECLINE.
    if (held.state === 'bound') return undefined
    // Not set aside in this machine's name: it declined nothing.
    keeper.keep(setAside(held, nobody, clock.now())).catch(() => {})
    // Whose offer went out already is told NAK when it asks for the address.
    ends?.decideAnew(asked)
    return undefined
  }
}
