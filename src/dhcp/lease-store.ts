// Where leases are kept. What is decided in memory is a proposal; whether it holds the store says, which may know of leases that this
// process does not: one address, one machine. Another kind of store passes test/helpers/conformance before anything stands on it.
import type { Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { isActive, type Lease } from './leases.js'

export interface Proposal {
  readonly lease: Lease
  /** When it was decided, epoch milliseconds. */
  readonly now: number
  /** The address is the machine's by a reservation, whoever holds it. */
  readonly reserved?: boolean
  /** The machine gives the address back itself, which it does to the server that acknowledged it last: another one hears of it too late. */
  readonly givenBack?: boolean
  /** The machine's lease ends since it asks for this address instead, which may be older than what another server acknowledged. */
  readonly movesTo?: Ipv4
}

export type Disposal =
  | { readonly kind: 'kept' }
  /** The address is another machine's by this lease, or the machine has another address by it; nothing has changed. */
  | { readonly kind: 'refused', readonly holder: Lease }

export interface LeaseStore {
  /** What was kept, as it counts at `now`, oldest change first; of one address the last counts. */
  readonly load: (now: number) => Promise<readonly Lease[]>
  /** Fulfilled when the lease would survive a power cut, or is refused; rejected when it can't be kept. */
  readonly propose: (proposal: Proposal) => Promise<Disposal>
  /**
   * Of a store that others write to as well and that is away: until when, epoch milliseconds, an address may be promised to a machine
   * without it; undefined while it is there. Such a store keeps offers too.
   */
  readonly promisedUntil?: (ip: Ipv4, mac: Mac, now: number, reserved: boolean) => number | undefined
  /** Fulfilled when the table has what others wrote of an address before the call; rejected when that can't be found out. */
  readonly settle?: (ip: Ipv4) => Promise<void>
  /** Waits for what is being kept; afterwards nothing is. */
  readonly close: () => Promise<void>
}

/** Whether a proposal is about an address of another machine; `kept` is what the store has of the address. */
export const isHeldBy = (kept: Lease | undefined, { lease, now, reserved = false }: Proposal): kept is Lease =>
  kept !== undefined && !reserved && kept.mac !== lease.mac && isActive(kept, now)
