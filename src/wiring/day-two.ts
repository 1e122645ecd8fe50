// Updates and reboots of installed machines, as the listeners are handed them.
import type { Reboots } from '../updates/reboots.js'
import type { Updates } from '../updates/updates.js'

export interface DayTwo {
  readonly updates: Updates
  readonly reboots: Reboots
  /** Counts a request that could not be read. */
  readonly onRefused: (protocol: string, reason: string, address: string) => void
}
