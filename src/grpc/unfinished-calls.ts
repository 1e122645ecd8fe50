// What calls hold whose message has not come whole: so much of one address and in all. Beyond it the call that is unfinished for the
// longest time is ended: of the address, or of the one with most.
import { networkOf } from '../net/ipv4.js'
import type { ShareLimits } from '../net/shares.js'

/** Octets. Sixteen of the largest messages at once, or some thousand calls that send nothing. */
export const mostUnfinished: ShareLimits = { perAddress: 64 * 1024 * 1024, all: 128 * 1024 * 1024 }
/** Octets that a call counts for before anything of its message is there: its stream, its headers, and what grpc makes of them. */
export const callOctets = 64 * 1024

interface Call { octets: number, readonly end: () => void }

/** Of one address; the call that began first comes first. */
interface HeldCalls { octets: number, readonly calls: Set<Call> }

export interface UnfinishedCall {
  /** So many octets more have come. */
  readonly grow: (octets: number) => void
  /** Its message is whole, or it is over. */
  readonly done: () => void
}

export class UnfinishedCalls {
  readonly #limits: ShareLimits
  readonly #byAddress = new Map<string, HeldCalls>()
  #octets = 0

  constructor (limits: ShareLimits = mostUnfinished) { this.#limits = limits }

  get octets (): number { return this.#octets }

  /** `end` is called, once, where the call has to give way; what it held counts no more then. */
  begin (remoteAddress: string, end: () => void): UnfinishedCall {
    const address = networkOf(remoteAddress)
    const held = this.#byAddress.get(address) ?? { octets: 0, calls: new Set() }
    this.#byAddress.set(address, held)
    const call: Call = { octets: 0, end }
    held.calls.add(call)
    const grow = (octets: number): void => {
      if (!held.calls.has(call)) return
      call.octets += octets
      held.octets += octets
      this.#octets += octets
      while (held.octets > this.#limits.perAddress) this.#endOldest(address, held)
      while (this.#octets > this.#limits.all) this.#endOldest(...this.#largest())
    }
    grow(callOctets)
    return { grow, done: () => { this.#forget(address, held, call) } }
  }

  #endOldest (address: string, held: HeldCalls): void {
    const [oldest] = held.calls
    if (oldest === undefined) return
    this.#forget(address, held, oldest)
    oldest.end()
  }

  #largest (): readonly [address: string, held: HeldCalls] {
    return [...this.#byAddress].reduce((most, one) => one[1].octets > most[1].octets ? one : most)
  }

  #forget (address: string, held: HeldCalls, call: Call): void {
    if (!held.calls.delete(call)) return
    held.octets -= call.octets
    this.#octets -= call.octets
    if (held.calls.size === 0 && this.#byAddress.get(address) === held) this.#byAddress.delete(address)
  }
}
