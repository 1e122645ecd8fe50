// Whose address it is, for requests that do not say who asks (http.identify_by_ip): who holds its lease, else for whom it is
// reserved in the configuration, in hosts.d or by a group. Nothing that a request says of itself counts.
import type { Reservation } from '../dhcp/reservations.js'
import type { Store } from '../matchbox/store.js'
import { type Ipv4, parseIpv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { readReservations, watchReservations } from './reservation-sources.js'
import { leaseHolder, type Leases } from './leases.js'
import type { RunningParts } from './running-parts.js'

export async function addressHolders (parts: Pick<RunningParts, 'loaded' | 'clock' | 'log' | 'onClose'> & { readonly store: Store, readonly leases: Pick<Leases, 'table'> }): Promise<(address: string) => Mac | undefined> {
  const { loaded, store, clock, log, leases, onClose } = parts
  let reserved = byAddress((await readReservations(loaded, store)).entries)
  onClose(await watchReservations({ loaded, store, clock, log, onChange: found => { reserved = byAddress(found.entries) } }))
  return address => leaseHolder(leases.table, address, clock) ?? reserved.get(parseIpv4(address) ?? 0)
}

/** Of two that want the same address the earlier has it; a machine's several cards lead to the same group by any of them. */
function byAddress (entries: readonly Reservation[]): ReadonlyMap<Ipv4, Mac> {
  const holders = new Map<Ipv4, Mac>()
  for (const { ip, macs: [mac] } of entries) if (mac !== undefined && !holders.has(ip)) holders.set(ip, mac)
  return holders
}
