// What may be held of something that there is only so much of: so many in all, and so many by one address.
import { unmapped } from './ipv4.js'

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

/** The address, or of IPv6 the network in which one host may make up addresses (RFC 4291 section 2.5.1: 64 bits). */
export function networkOf (address: string): string {
  const own = unmapped(address)
  if (!own.includes(':')) return own
  const [before = '', after = ''] = own.split('%', 1)[0]!.split('::')
  const head = before.split(':').filter(part => part !== '')
  const tail = after.split(':').filter(part => part !== '')
  return [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0'), ...tail].slice(0, 4).join(':')
}
