// The boot ladder: a row a machine, a rung a stage. Who is in trouble stands first, then who boots now, then everybody else.
import { type Stage, stages } from '../machines/machine.js'
import type { MachineShown } from '../control/machine-shown.js'

/** `late`: silent for longer than its profile takes; `failed`: the server refused or could not. */
export type RungState = 'none' | 'done' | 'now' | 'late' | 'failed'

export interface Rung {
  readonly stage: Stage
  readonly state: RungState
  /** Seconds since the rung before it; undefined for one that was not reached. */
  readonly seconds?: number
}

/** In the order in which they stand on the page. */
export const sections = ['trouble', 'booting', 'fine'] as const
export type LadderSection = typeof sections[number]

export interface LadderRow {
  readonly machine: MachineShown
  readonly section: LadderSection
  readonly rungs: readonly Rung[]
}

/** `running` is no rung: it is what a machine does after the last one. */
const rungs = stages.filter(stage => stage !== 'running')

/** Milliseconds for which a boot that is not over counts as one that goes on. */
const recent = 600_000

const overAt: ReadonlySet<Stage | undefined> = new Set([undefined, 'ignition', 'installed', 'running'])

/** `now` and `lastSeen` in milliseconds since the epoch. */
export const sectionOf = (
  { stage, lastSeen }: { readonly stage?: Stage | undefined, readonly lastSeen: number }, isInTrouble: boolean, now: number
): LadderSection =>
  isInTrouble ? 'trouble' : !overAt.has(stage) && now - lastSeen < recent ? 'booting' : 'fine'

/** `now` in milliseconds since the epoch. */
export function ladderRow (machine: MachineShown, now: number): LadderRow {
  const { timeline, trouble, stage: reached } = machine
  const last = timeline.at(-1)
  const section = sectionOf({ stage: reached, lastSeen: Date.parse(machine.lastSeen) }, trouble !== undefined, now)
  let before = 0
  return {
    machine,
    section,
    rungs: rungs.map((stage): Rung => {
      const at = timeline.filter(entry => entry.stage === stage)
      const first = at[0]
      if (first === undefined) return { stage, state: 'none' }
      const seconds = Math.max(0, first.ms - before) / 1000
      before = first.ms
      if (at.at(-1)?.failed !== undefined) return { stage, state: 'failed', seconds }
      if (last?.stage !== stage || section === 'fine') return { stage, state: 'done', seconds }
      return { stage, state: section === 'trouble' ? 'late' : 'now', seconds }
    })
  }
}
