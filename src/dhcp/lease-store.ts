// Where leases are kept. What is decided in memory is a proposal; whether it holds the store says, which may know of leases that this
// process does not: one address, one machine. Another kind of store passes test/helpers/conformance before anything stands on it.
import { isActive, type Lease } from './leases.js'

export interface Proposal {
  readonly lease: Lease
  /** When it was decided, epoch milliseconds. */
  readonly now: number
  /** The address is the machine's by a reservation, whoever holds it. */
  readonly reserved?: boolean
}

export type Disposal =
  | { readonly kind: 'kept' }
  /** The address is another machine's by this lease; nothing has changed. */
  | { readonly kind: 'refused', readonly holder: Lease }

export interface LeaseStore {
  /** What was kept, as it counts at `now`, oldest change first; of one address the last counts. */
  readonly load: (now: number) => Promise<readonly Lease[]>
  /** Fulfilled when the lease would survive a power cut, or is refused; rejected when it can't be kept. */
  readonly propose: (proposal: Proposal) => Promise<Disposal>
  /** Waits for what is being kept; afterwards nothing is. */
  readonly close: () => Promise<void>
}

/** Whether a proposal is about an address of another machine; `kept` is what the store has of the address. */
export const isHeldBy = (kept: Lease | undefined, { lease, now, reserved = false }: Proposal): kept is Lease =>
  kept !== undefined && !reserved && kept.mac !== lease.mac && isActive(kept, now)
