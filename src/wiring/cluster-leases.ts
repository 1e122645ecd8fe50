// The leases that provisioners share: the table in memory, kept in step with etcd, and what is counted of both.
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import { EtcdLeases } from '../cluster/etcd-leases.js'
import { leaseGrace } from '../cluster/lease-grace.js'
import type { Presence } from '../cluster/presence.js'
import type { SharedState } from '../cluster/shared-state.js'
import { LeaseTable } from '../dhcp/leases.js'
import type { Subnet } from '../net/ipv4.js'
import type { Leases } from './leases.js'

export interface SharedLeasesOptions {
  readonly state: SharedState
  readonly presence: Pick<Presence, 'present'>
  /** What this provisioner is called. */
  readonly name: string
  /** Those that are served. */
  readonly subnets: readonly Subnet[]
  readonly clock: Clock
  readonly log: Logger
  /** Milliseconds after its end in which a lease keeps its address; another one in tests. */
  readonly grace?: number
}

/** What was kept by `now` is in the table, and what others keep comes into it. */
export async function openSharedLeases (options: SharedLeasesOptions, now: number): Promise<Leases> {
  const { state, presence, name, subnets, clock, log, grace = leaseGrace } = options
  // Each begins in its own part of a range, so that two seldom choose the same address at once.
  const start = (): number => {
    const names = presence.present.map(({ name }) => name).sort()
    return Math.max(0, names.indexOf(name)) / Math.max(1, names.length)
  }
  const table = new LeaseTable({ grace, start })
  const store = new EtcdLeases({ state, server: name, subnets, log, now: () => clock.now(), onLease: lease => { table.set(lease) }, grace })
  for (const lease of await store.load(now)) table.set(lease)
  state.onChange('servers', () => { table.reset() })
  return { table, store }
}
