// Whose address it is, for requests that do not say who asks (http.identify_by_ip): who holds its lease, else for whom it is
// reserved in the configuration, in hosts.d or by a group. Nothing that a request says of itself counts.
import { leaseHolder } from '../dhcp/leases.js'
import { ReservedAddresses } from '../dhcp/reserved-addresses.js'
import type { Store } from '../matchbox/store.js'
import { parseIpv4 } from '../net/ipv4.js'
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
