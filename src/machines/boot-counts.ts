// What is counted of boots: how they end, by profile, and how long each stage takes.
import type { Metrics } from '../base/metrics.js'
import type { Machine } from './machine.js'
import { fromDisk, isOver } from './timeline.js'

/** Profiles with a number of their own. They are the operator's, but may come and go for years. */
export const mostProfiles = 200

export class BootCounts {
  readonly #metrics: Pick<Metrics, 'boots' | 'bootStageSeconds'>
  readonly #profiles = new Set<string>()

  constructor (metrics: Pick<Metrics, 'boots' | 'bootStageSeconds'>) { this.#metrics = metrics }

  /** A profile's label: its id; `none` without one, `other` of those that are too many. */
  labelOf (profile: string | undefined): string {
    if (profile === undefined) return 'none'
    if (this.#profiles.size < mostProfiles) this.#profiles.add(profile)
    return this.#profiles.has(profile) ? profile : 'other'
  }

  /** Something was seen of the machine: `before` is what it was until then. */
  count (before: Machine | undefined, after: Machine): void {
    const { boots, bootStageSeconds } = this.#metrics
    const isNext = before !== undefined && after.boots > before.boots
    if (isNext && before.timeline.length > 0 && !isOver(before)) boots.inc({ profile: this.labelOf(before.profile), result: 'failed' })
    if (isOver(after) && (isNext || before === undefined || !isOver(before))) {
      boots.inc({ profile: this.labelOf(after.profile), result: after.timeline.at(-1)?.detail === fromDisk ? 'disk' : 'finished' })
    }
    const [last, lastBefore] = [after.timeline.at(-1), before?.timeline.at(-1)]
    if (isNext || last === undefined || lastBefore === undefined || after.stage !== last.stage || before?.stage === after.stage) return
    const seconds = (last.at - lastBefore.at) / 1000
    // A clock that was set back in between.
    if (seconds >= 0) bootStageSeconds.observe({ stage: last.stage }, seconds)
  }
}
