// Whose address it is, for requests that do not say who asks (http.identify_by_ip): who holds its lease, else for whom it is
// reserved in the configuration, in hosts.d or by a group. Nothing that a request says of itself counts.
import { leaseHolder } from '../dhcp/leases.js'
import type { ReservationChanges } from '../dhcp/reservation-watch.js'
import type { Reservation } from '../dhcp/reservations.js'
import type { Store } from '../matchbox/store.js'
import { type Ipv4, parseIpv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { followReservations } from './reservation-sources.js'
import type { Leases } from './leases.js'
import type { RunningParts } from './running-parts.js'

export async function addressHolders (parts: Pick<RunningParts, 'loaded' | 'clock' | 'log' | 'onClose'> & { readonly store: Store, readonly leases: Pick<Leases, 'table'> }): Promise<(address: string) => Mac | undefined> {
  const { loaded, store, clock, log, leases, onClose } = parts
  const reserved = new ReservedAddresses()
  onClose(await followReservations({ loaded, store, clock, log, onChange: changes => { reserved.take(changes) } }))
  return address => {
    const ip = parseIpv4(address) ?? 0
    return leaseHolder(leases.table, ip, clock.now()) ?? reserved.holderOf(ip)
  }
}

/** Of two that want the same address the earlier has it; a machine's several cards lead to the same group by any of them. */
class ReservedAddresses {
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
