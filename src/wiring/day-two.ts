// Updates and reboots of installed machines, as the listeners are handed them.
import type { Reboots } from '../updates/reboots.js'
import type { Updates } from '../updates/updates.js'

/** An event of `/v1/events`: `kind` as in the log, `update.granted`, `reboot.lock`. */
export type DayTwoNews = Readonly<Record<string, unknown>> & { readonly kind: string, readonly group: string }

export interface DayTwo {
  readonly updates: Updates
  readonly reboots: Reboots
  readonly onNews: (listener: (news: DayTwoNews) => void) => void
  /** Counts a request that could not be read. */
  readonly onRefused: (protocol: string, reason: string, address: string) => void
}
