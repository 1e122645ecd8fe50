// What may be held of something that there is only so much of: so many in all, and so many by one address.
import { networkOf } from './ipv4.js'

export interface ShareLimits {
  readonly all: number
  readonly perAddress: number
}

export class Shares {
  readonly #limits: ShareLimits
  readonly #byNetwork = new Map<string, number>()
  #count = 0

  constructor (limits: ShareLimits) { this.#limits = limits }

  get count (): number { return this.#count }

  /** One more for an IP address; undefined when there is none, else what gives it back (once). */
  take (address: string): (() => void) | undefined {
    const network = networkOf(address)
    const held = this.#byNetwork.get(network) ?? 0
    if (this.#count >= this.#limits.all || held >= this.#limits.perAddress) return undefined
    this.#byNetwork.set(network, held + 1)
    this.#count++
    let taken = true
    return () => {
      if (!taken) return
      taken = false
      this.#count--
      const left = (this.#byNetwork.get(network) ?? 1) - 1
      if (left === 0) this.#byNetwork.delete(network)
      else this.#byNetwork.set(network, left)
    }
  }
}
