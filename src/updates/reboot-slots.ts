// Who may reboot: a counting semaphore per group, as FleetLock's servers keep it. Whoever holds a slot and asks again holds it
// still; a release by who holds none is none; there is no time-out in the protocol, so a machine that dies keeps its slot until
// a person takes it, or `stale_after` does.
import type { Mac } from '../net/mac.js'

export interface RebootHolder {
  readonly group: string
  /** As the machine sent it; its letter case counts. */
  readonly id: string
  readonly address: string
  /** Whose address it was, where that is certain. */
  readonly mac?: Mac | undefined
  /** Milliseconds since the epoch. */
  readonly since: number
}

export interface SlotRules {
  readonly slots: number
  /** Milliseconds after which a slot is taken from its holder; undefined for never. */
  readonly staleAfter: number | undefined
}

export type LockDecision =
  | { readonly kind: 'held', readonly holder: RebootHolder }
  | { readonly kind: 'taken', readonly holder: RebootHolder, readonly given: readonly RebootHolder[] }
  | { readonly kind: 'full' }

/** `holders` are those of the group. */
export function lockSlot (holders: readonly RebootHolder[], asked: RebootHolder, { slots, staleAfter }: SlotRules): LockDecision {
  const holder = holders.find(({ id }) => id === asked.id)
  if (holder !== undefined) return { kind: 'held', holder }
  const stale = staleAfter === undefined ? [] : holders.filter(({ since }) => asked.since - since >= staleAfter)
  const kept = holders.length - stale.length
  return kept < slots ? { kind: 'taken', holder: asked, given: stale } : { kind: 'full' }
}

/** FleetLock's rule for the names of groups. */
export const isGroupName = (name: string): boolean => /^[a-zA-Z0-9.-]{1,128}$/.test(name)
