// What a proposal of a lease has to give way to, of what is known to stand in etcd.
import type { Proposal } from '../dhcp/lease-store.js'
import { isHeld, type Lease } from '../dhcp/leases.js'
import type { Ipv4 } from '../net/ipv4.js'
import type { KnownLeases } from './known-leases.js'

export interface DecidedProposal {
  readonly proposal: Proposal
  /** How often another provisioner was first. */
  readonly tries: number
  /** The address that the machine's key led to when it was decided. */
  readonly knew: Ipv4 | undefined
}

/** Whether another machine has the address. */
export const isAnothers = (kept: Lease, { lease, now, reserved = false }: Proposal, grace: number): boolean =>
  !reserved && kept.mac !== lease.mac && isHeld(kept, now, grace)

/**
 * The machine's lease of another address, which stands in the way. What is bound does until it is released, of an offer only if nobody
 * knew when it was made; another's offer does not stand in the way of what the machine took.
 */
export function inTheWay (known: KnownLeases, { proposal, knew }: DecidedProposal, grace: number): Lease | undefined {
  const { lease, now, reserved = false } = proposal
  const other = known.elsewhere(lease)
  if (other === undefined || reserved || !isHeld(other, now, grace)) return undefined
  if (lease.state === 'bound') return other.state === 'bound' ? other : undefined
  return lease.state === 'offered' && knew !== other.ip ? other : undefined
}

/**
 * What was decided before another provisioner bound the machine is less than what stands now: an offer would end sooner, and a
 * release would forget what was acknowledged meanwhile. A machine gives its address back to who acknowledged it last: a process that was
 * stopped reads that late, when another has given the machine the same address again. In the same way it reads that a machine takes its
 * offer, when the machine has long gone on to another's: what was acknowledged after the offer was written stands.
 */
export function outweighs (
  known: KnownLeases, kept: Lease, { proposal, tries }: DecidedProposal,
  { server, grace }: { readonly server: string, readonly grace: number }
): boolean {
  const { lease, now, givenBack = false, movesTo } = proposal
  if (kept.mac !== lease.mac || kept.state !== 'bound' || !isHeld(kept, now, grace)) return false
  const isAnotherServers = known.serverOf(lease.ip) !== server
  const isOlder = movesTo !== undefined && known.revisionOf(movesTo) < known.revisionOf(lease.ip)
  const isLate = isAnotherServers && (givenBack || isOlder)
  return lease.state === 'offered' || (lease.state === 'released' && (tries > 0 || isLate))
}

/** Another provisioner, whose clock is ahead, may have promised the holder more: that stands. */
export function neverShorter (kept: Lease | undefined, lease: Lease): Lease {
  const isRenewal = kept?.mac === lease.mac && kept.state === 'bound' && lease.state === 'bound'
  return isRenewal && kept.expires > lease.expires ? { ...lease, expires: kept.expires } : lease
}
