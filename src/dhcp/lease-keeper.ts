// Leases on their way from a decision to the store: in force at once, so that the next packet is decided with them, and taken back
// where the store keeps another machine's or none.
import type { Clock } from '../base/clock.js'
import { messageOf } from '../base/errors.js'
import type { Logger } from '../base/log.js'
import { formatIpv4, type Ipv4 } from '../net/ipv4.js'
import type { DhcpEvent } from './dhcp-event.js'
import type { Disposal, LeaseStore, Proposal } from './lease-store.js'
import type { Lease, LeaseTable } from './leases.js'
import { released } from './server-decision.js'

export interface LeaseKeeperOptions {
  readonly table: LeaseTable
  readonly store: LeaseStore
  readonly clock: Clock
  readonly log: Logger
  readonly onEvent: (event: DhcpEvent) => void
}

export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions

  constructor (options: LeaseKeeperOptions) { this.#options = options }

  /** Proposes it to the store. Where that refuses, the lease that stands in the way is in force then. Rejects as the store does. */
  async keep (lease: Lease, how: Pick<Proposal, 'givenBack' | 'movesTo'> = {}): Promise<Disposal> {
    const { table, store, clock } = this.#options
    const before = table.get(lease.ip)
    const takeBack = (): void => {
      if (table.get(lease.ip) !== lease) return
      if (before === undefined) table.delete(lease.ip)
      else table.set(before)
    }
    table.set(lease)
    try {
      const disposal = await store.propose({ lease, now: clock.now(), ...how })
      if (disposal.kind === 'kept') return disposal
      const isElsewhere = disposal.holder.ip !== lease.ip
      if (isElsewhere || table.get(lease.ip) === lease) table.set(disposal.holder)
      if (isElsewhere) takeBack()
      return disposal
    } catch (error) {
      takeBack()
      throw error
    }
  }

  /** The same of a reserved address, whose lease is in force whatever the store says. Never rejects: the store tells of its faults. */
  async keepReserved (lease: Lease): Promise<void> {
    const { table, store, clock } = this.#options
    table.set(lease)
    await store.propose({ lease, now: clock.now(), reserved: true }).catch(() => {})
  }

  /** Ends the lease or the quarantine of an address; false when it has none. */
  async release (ip: Ipv4): Promise<boolean> {
    const { table, clock } = this.#options
    const lease = table.get(ip)
    return lease !== undefined && (await this.keep(released(lease, clock.now()))).kind === 'kept'
  }

  /** Ends a lease that nobody asked to end; `how` as in Proposal. */
  end (lease: Lease, reason: string, how: Pick<Proposal, 'movesTo'> = {}): void {
    const { table, clock, log } = this.#options
    const ended = released(lease, clock.now())
    if (lease.state !== 'bound') {
      table.set(ended)
      return
    }
    this.tellEnded(lease, reason)
    this.keep(ended, how).catch((error: unknown) => { log.warn({ ip: formatIpv4(lease.ip), error: messageOf(error) }, 'lease.end_unsaved') })
  }

  tellEnded ({ ip, mac }: Lease, reason: string): void {
    this.#options.log.warn({ ip: formatIpv4(ip), mac, reason }, 'dhcp.lease_ended')
    this.#options.onEvent({ kind: 'lease', change: 'ended', mac, ip })
  }
}
