// Which machines' records in etcd give way to new ones where there are as many as may be: those that were not written for the longest time,
// and of machines that only a lease names before all others.
import type { Mac } from '../net/mac.js'
import type { SharedEntry } from './entries.js'
import { macOf } from './machine-record.js'

export interface GivingWayOptions {
  /** Records that all share at most. */
  readonly most: number
  /** So many give way at once. */
  readonly atOnce: number
  readonly isLeased: (mac: Mac | undefined) => boolean
}

/** Keys of those `there` that go when `written` are put. */
export function givingWay (
  there: ReadonlyMap<string, SharedEntry>, written: ReadonlySet<string>, { most, atOnce, isLeased }: GivingWayOptions
): readonly string[] {
  const added = [...written].filter(key => !there.has(key)).length
  const excess = there.size + added - most
  if (excess <= 0 || added === 0) return []
  const oldest = [...there].filter(([key]) => !written.has(key)).sort(([, a], [, b]) => a.revision - b.revision).map(([key]) => key)
  const leased = oldest.filter(key => isLeased(macOf(key)))
  return [...new Set([...leased, ...oldest])].slice(0, Math.min(excess, atOnce))
}
