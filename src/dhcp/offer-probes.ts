// Offers that wait to hear whether somebody uses their address (RFC 2131 section 3.1 step 2), as far as there is slack to ask, and as
// far as the answers can be believed.
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { ConflictAnswer, ConflictProbe } from '../net/conflict-probe.js'
import { formatIpv4, type Ipv4, unspecified } from '../net/ipv4.js'
import { macFromBytes, type Mac } from '../net/mac.js'
import type { ClientMessage } from './client-info.js'
import type { DhcpEvent } from './dhcp-event.js'
import type { LeaseKeeper } from './lease-keeper.js'
import { isActive, type Lease, type LeaseTable } from './leases.js'
import { ProbePace } from './probe-pace.js'
import { ProbeTrust } from './probe-trust.js'
import { type Reply, setAside } from './server-decision.js'

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
}

/** What becomes of an offer. */
export interface OfferEnds {
  readonly send: (outcome: Reply, asked: ClientMessage) => void
  /** Its address is used by somebody: another one has to be found. */
  readonly decideAnew: (asked: ClientMessage) => void
  /** Its reserved address is used by the machine that `reason` names. */
  readonly drop: (asked: ClientMessage, reason: string) => void
}

const byWhom = (answer: ConflictAnswer): string => (answer.inUse ? answer.by : undefined) ?? 'a host behind a router'

/** In whose name an address is set aside that somebody uses unasked. */
const nobody = macFromBytes(Buffer.alloc(6))

export class OfferProbes {
  readonly #options: OfferProbesOptions
  readonly #pace: ProbePace
  readonly #trust = new ProbeTrust()
  /** By the address that is asked after, what waits. */
  readonly #probing = new Map<Ipv4, { readonly outcome: Reply, readonly asked: ClientMessage }>()

  constructor (options: OfferProbesOptions) {
    this.#options = options
    this.#pace = new ProbePace(options.clock.now())
  }

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
    if (lease !== undefined && !this.#isBound(lease)) table.set(lease)
    if (pending !== undefined && outcome.reply.yiaddr !== unspecified) {
      // The machine asked again meanwhile: what it sent last is what it waits for an answer to.
      const before = pending.outcome.holder
      this.#probing.set(outcome.reply.yiaddr, { outcome: before === undefined ? outcome : { ...outcome, holder: before }, asked })
      return undefined
    }
    if (lease !== undefined && outcome.probe && probe !== undefined && (this.#hasSlackToAsk() || holder !== undefined)) {
      this.#probing.set(lease.ip, { outcome, asked })
      return this.#askWhoUses(probe, lease.ip, asked.client.mac, ends)
    }
    if (holder !== undefined) keeper.tellEnded(holder, `${formatIpv4(holder.ip)} is reserved for ${asked.client.mac}`)
    ends.send(outcome, asked)
    return undefined
  }

  /** Of a reserved address that another machine holds it is asked whatever else there is to do: there are few of those. */
  #hasSlackToAsk (): boolean {
    const { clock, log, isBehind } = this.#options
    const { pace, began } = this.#pace.next(clock.now(), isBehind())
    if (began) log.info({ hint: 'more machines ask at once than addresses can be looked at: offers go out unasked until it is quieter' }, 'dhcp.probe_paused')
    return pace === 'ask'
  }

  /** Ends with the offer, or with the address left to who uses it and the request decided anew. */
  async #askWhoUses (probe: ConflictProbe, ip: Ipv4, mac: Mac, ends: OfferEnds): Promise<void> {
    const { table, keeper, clock, log, onEvent } = this.#options
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
      if (holder !== undefined) keeper.tellEnded(holder, `${formatIpv4(ip)} is reserved for ${mac}`)
      ends.send(outcome, asked)
      return
    }
    log.warn({ ip: formatIpv4(ip), mac, by: byWhom(answer) }, 'dhcp.conflict')
    onEvent({ kind: 'lease', change: 'conflict', mac, ip })
    if (holder !== undefined) {
      if (isActive(holder, clock.now())) table.set(holder)
      else table.delete(ip)
      ends.drop(asked, `${formatIpv4(ip)} is ${holder.state} by ${holder.mac}, and ${byWhom(answer)} answers there`)
      return
    }
    // Not set aside in this machine's name: it declined nothing.
    keeper.keep(setAside(held, nobody, clock.now())).catch(() => {})
    ends.decideAnew(asked)
  }
}
