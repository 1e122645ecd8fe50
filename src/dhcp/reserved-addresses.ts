// For whom an address is reserved, as reservations come and go, whether or not a subnet is served that holds it.
import type { Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { ReservationChanges } from './reservation-watch.js'
import type { Reservation } from './reservations.js'

/** Of two that want the same address the earlier has it; a machine's several cards lead to the same group by any of them. */
export class ReservedAddresses {
  readonly #entries = new Map<string, Reservation>()
  readonly #ofIp = new Map<Ipv4, Set<string>>()

  take (changes: ReservationChanges): void {
    for (const [key, entry] of changes) {
      const before = this.#entries.get(key)
      const others = before === undefined ? undefined : this.#ofIp.get(before.ip)
      others?.delete(key)
      if (before !== undefined && others?.size === 0) this.#ofIp.delete(before.ip)
      this.#entries.delete(key)
      if (entry === undefined || entry.macs.length === 0) continue
      this.#entries.set(key, entry)
      this.#ofIp.set(entry.ip, (this.#ofIp.get(entry.ip) ?? new Set()).add(key))
    }
  }

  holderOf (ip: Ipv4): Mac | undefined {
    let first: string | undefined
    for (const key of this.#ofIp.get(ip) ?? []) if (first === undefined || key < first) first = key
    return first === undefined ? undefined : this.#entries.get(first)?.macs[0]
  }
}
