// Who else stands between machines and this server, by address: relay agents (giaddr) and other DHCP servers, with when and how often
// each was seen. Both addresses are whatever a message says, and anybody can send one: what is kept is bounded, and so is how fast it
// changes.
import type { Ipv4 } from '../net/ipv4.js'
import { TokenBucket } from '../base/rate-limit.js'

export interface Neighbour {
  readonly address: Ipv4
  /** Epoch milliseconds. */
  readonly firstSeen: number
  readonly lastSeen: number
  /** Messages: of a relay agent all that came through it, of a server those that took its offers, and its answer at start. */
  readonly times: number
}

/** Relay agents on a network that a subnet is configured for; others; DHCP servers. What is made up of one kind pushes out no other. */
export type NeighbourKind = 'relay' | 'unexpected_relay' | 'server'

/** Addresses of each kind. */
export const mostNeighbours = 64
/** How fast addresses that were not seen before may come, of each kind. */
export const neighbourRate = { burst: mostNeighbours, perSecond: 1 } as const
/** Milliseconds after which it does not count any more how often one was seen. */
const forgotten = 86_400_000

export interface NeighboursSeen {
  /** The one that was seen last first. */
  readonly seen: readonly Neighbour[]
  /** Messages that named an address which was not written down, since too many did. */
  readonly passedOver: number
}

export class Neighbours {
  readonly #kinds: Readonly<Record<NeighbourKind, Kind>>

  /** `now` in epoch milliseconds. */
  constructor (now: number) {
    this.#kinds = { relay: new Kind(now), unexpected_relay: new Kind(now), server: new Kind(now) }
  }

  see (kind: NeighbourKind, address: Ipv4, now: number): void { this.#kinds[kind].see(address, now) }

  of (kind: NeighbourKind): NeighboursSeen { return this.#kinds[kind].all() }
}

class Kind {
  readonly #seen = new Map<Ipv4, { firstSeen: number, lastSeen: number, times: number }>()
  readonly #fresh: TokenBucket
  #passedOver = 0

  constructor (now: number) { this.#fresh = new TokenBucket(neighbourRate, now) }

  see (address: Ipv4, now: number): void {
    const before = this.#seen.get(address)
    if (before !== undefined) {
      before.lastSeen = now
      before.times++
      return
    }
    if (!this.#fresh.take(now)) {
      this.#passedOver++
      return
    }
    if (this.#seen.size >= mostNeighbours) this.#seen.delete(this.#least(now))
    this.#seen.set(address, { firstSeen: now, lastSeen: now, times: 1 })
  }

  all (): NeighboursSeen {
    const seen = [...this.#seen].map(([address, neighbour]) => ({ address, ...neighbour })).sort((a, b) => b.lastSeen - a.lastSeen)
    return { seen, passedOver: this.#passedOver }
  }

  /** One that has not spoken for a day, or else the one that was seen least often: what is made up for one message stays for one. */
  #least (now: number): Ipv4 {
    let least: { readonly address: Ipv4, readonly times: number, readonly lastSeen: number } | undefined
    for (const [address, { times, lastSeen }] of this.#seen) {
      const one = { address, lastSeen, times: now - lastSeen > forgotten ? 0 : times }
      if (least === undefined || one.times < least.times || (one.times === least.times && one.lastSeen < least.lastSeen)) least = one
    }
    return least!.address
  }
}
