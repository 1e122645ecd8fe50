// Clocks may be off (`clockSkew`). An address that has expired goes to another machine only after a grace, which is longer than
// whatever a provisioner that is cut off may have promised to its holder meanwhile.
import { clockSkew } from '../base/clock.js'
import type { Lease } from '../dhcp/leases.js'
import type { Mac } from '../net/mac.js'

/** Milliseconds that a holder is promised at once while etcd is away. */
export const shortPromise = 600_000
/** Milliseconds after its end in which a lease keeps its address from other machines. */
export const leaseGrace = shortPromise + 2 * clockSkew

/** Until when a machine may be promised an address without etcd, epoch milliseconds, by what is known of its lease. */
export function shortlyPromised (
  lease: Lease | undefined, { mac, now, reserved }: { readonly mac: Mac, readonly now: number, readonly reserved: boolean }
): number {
  if (reserved) return now + shortPromise
  return lease?.mac === mac && lease.state === 'bound' ? Math.min(now, lease.expires) + shortPromise : now
}
