// What the server's decisions are given beside the message: the settings, which may change while it runs, with what stands as long as its
// addresses and its store do.
import type { Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { AllocationState } from './allocate.js'
import type { BootConfig } from './boot-file.js'
import type { LeaseStore } from './lease-store.js'
import type { LeaseTable } from './leases.js'
import type { Reservations } from './reservations.js'
import type { ServerContext } from './server-decision.js'
import type { DhcpSubnet } from './subnet.js'

/** What may change while the server runs. */
export interface DhcpSettings {
  readonly subnets: readonly DhcpSubnet[]
  readonly reservations: Reservations
  readonly boot: BootConfig
  readonly unknownClients: AllocationState['unknownClients']
  /** Machines that a person named elsewhere; those with a reservation are known without. */
  readonly named?: Pick<ReadonlySet<Mac>, 'has'>
}

export interface ServerGround {
  readonly server: Ipv4
  readonly own?: readonly Ipv4[]
  readonly ours?: () => readonly Ipv4[]
  readonly table: LeaseTable
  readonly store: LeaseStore
  readonly usesOtherLoader?: (mac: Mac) => boolean
}

/** Made once for many packets; the time is set for each. */
export function standingContext (settings: DhcpSettings, ground: ServerGround): ServerContext & { now: number } {
  const { server, own = [server], ours = () => own, table, store, usesOtherLoader } = ground
  const promisedUntil = store.promisedUntil?.bind(store)
  return {
    ...settings, now: 0, server, own, ours: ours(), leases: table, promisedUntil, ...usesOtherLoader !== undefined && { usesOtherLoader }
  }
}
