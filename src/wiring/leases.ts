// The leases of all DHCP servers: the table in memory, the file behind it, and what is counted of both.
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Metrics } from '../base/metrics.js'
import { LeaseFile } from '../dhcp/lease-file.js'
import type { LeaseStore } from '../dhcp/lease-store.js'
import { isActive, type Lease, LeaseTable } from '../dhcp/leases.js'
import { inRange } from '../dhcp/subnet.js'
import { formatSubnet } from '../net/ipv4.js'
import { type Config, givesAddresses } from '../config/load.js'
import { lineFormats } from '../disk/state-formats.js'
import type { OnClose } from './closing.js'
import { keepLeases } from './lease-upkeep.js'

export interface Leases {
  readonly table: LeaseTable
  readonly store: LeaseStore
}

export interface LeasesOptions {
  readonly config: Config
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  readonly onClose: OnClose
  /** Opens those that several provisioners share, instead of a file. */
  readonly openShared: ((now: number) => Promise<Leases>) | undefined
}

/** What was kept is in the table. AppError says why the file can't be read or written. */
export async function openLeases ({ config, clock, log, metrics, onClose, openShared }: LeasesOptions): Promise<Leases> {
  if (openShared !== undefined) {
    const shared = await openShared(clock.now())
    onClose(() => shared.store.close())
    countLeases(shared.table, { config, clock, metrics })
    return shared
  }
  const table = new LeaseTable()
  const store = new LeaseFile({
    path: join(config.state_path, lineFormats.lease.file),
    log,
    current: () => table.values(),
    onSync: milliseconds => { metrics.leaseSync.observe(milliseconds / 1000) }
  })
  // No server gives leases: there is no file to keep.
  if (!givesAddresses(config)) return { table, store }
  for (const lease of await store.load(clock.now())) table.set(lease)
  onClose(() => store.close(), 'file')
  keepLeases({ clock, log, leases: table, onClose }, store)
  countLeases(table, { config, clock, metrics })
  return { table, store }
}

function countLeases (table: LeaseTable, { config, clock, metrics }: Pick<LeasesOptions, 'config' | 'clock' | 'metrics'>): void {
  const active = (): readonly Lease[] => [...table.values()].filter(lease => isActive(lease, clock.now()))
  const ranges = config.dhcp.subnets.flatMap(({ subnet, range }) => range === undefined ? [] : [{ name: formatSubnet(subnet), range }])
  metrics.gauge('dhcp_leases', 'Leases that are in force', () => active().length)
  metrics.gauges('dhcp_range_addresses', 'Addresses in the range of a subnet', 'subnet',
    () => ranges.map(({ name, range }) => [name, range.last - range.first + 1]))
  metrics.gauges('dhcp_range_used', 'Addresses of the range that are leased, offered or set aside', 'subnet', () => {
    const held = active()
    return ranges.map(({ name, range }) => [name, held.filter(({ ip }) => inRange(range, ip)).length])
  })
}
