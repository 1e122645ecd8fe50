// A machine and a line of its timeline as JSON has them.
import type { BootSummary, Machine, TimelineEntry } from '../machines/machine.js'
import { lifeStateOf, type LifeState } from '../machines/lifecycle.js'
import type { Trouble } from '../machines/reasons.js'
import type { Pace } from '../base/pace.js'
import type { Instance } from '../updates/instance.js'
import type { Mac } from '../net/mac.js'
import type { MachineRegistry } from '../machines/registry.js'

type TimesAsText<T> = { readonly [K in keyof T]: K extends 'at' | 'firstSeen' | 'lastSeen' | 'installedAt' ? string : T[K] }

/**
 * A machine as JSON has it: times in ISO 8601, and each line of the timeline with the milliseconds since the boot began.
 * `trouble` is why it does not get further, and what to look at.
 */
export type MachineShown = Omit<TimesAsText<Machine>, 'timeline' | 'history' | 'exchange'> & {
  readonly trouble?: Pick<Trouble, 'reason' | 'look'>
  /** Whether a group, a reservation or a lease names it: the list's `unknown` are the others. */
  readonly known: boolean
  /** Where it stands in its life (machines/lifecycle). */
  readonly state: LifeState
  readonly history?: ReadonlyArray<TimesAsText<BootSummary>>
  /** What its update client asked of us since it is installed. */
  readonly update?: UpdateShown
  readonly timeline: ReadonlyArray<Omit<TimesAsText<TimelineEntry>, 'code'> & { readonly ms: number }>
}

/** What /v1/events tells of each new line of a timeline. */
export type StageShown = Omit<TimesAsText<TimelineEntry>, 'code'> & Pick<Machine, 'mac' | 'address' | 'group' | 'profile'>

/** How far an installed machine is with its updates. */
export interface UpdateShown {
  readonly id: string
  readonly group: string
  readonly version: string
  readonly previousVersion?: string
  readonly status: string
  readonly since: string
  /** What it was told to go to. */
  readonly granted?: string
  readonly error?: string
}

/** What it takes to show a machine beside its record. */
export interface Shower {
  readonly registry: MachineRegistry
  /** Epoch milliseconds. */
  readonly now: () => number
  /** What installed machines asked of us, where groups of updates are configured. */
  readonly updateOf?: ((mac: Mac, address: string | undefined) => Instance | undefined) | undefined
  /** Shares the turns of the event loop with others that have much to do. */
  readonly pace: Pace
}

export function shown (machine: Machine, { registry, now, updateOf }: Shower): MachineShown {
  const { firstSeen, lastSeen, installedAt, timeline, history, bootedAs, installedAs, exchange, ...rest } = machine
  const trouble = registry.troubleOf(machine, now())
  const began = timeline[0]?.at ?? firstSeen
  const update = updateOf?.(machine.mac, machine.address)
  const known = !registry.isStranger(machine.mac)
  return {
    ...rest,
    firstSeen: time(firstSeen),
    lastSeen: time(lastSeen),
    ...installedAt !== undefined && { installedAt: time(installedAt) },
    known,
    state: lifeStateOf(machine, known),
    ...trouble !== undefined && { trouble: { reason: trouble.reason, look: trouble.look } },
    ...update !== undefined && { update: shownUpdate(update) },
    ...history !== undefined && { history: history.map(({ at, ...boot }) => ({ ...boot, at: time(at) })) },
    timeline: timeline.map(({ at, code: _, ...entry }) => ({ ...entry, at: time(at), ms: at - began }))
  }
}

export const shownUpdate = ({ id, group, version, previousVersion, status, statusAt, granted, error }: Instance): UpdateShown => ({
  id,
  group,
  version,
  ...previousVersion !== '' && { previousVersion },
  status,
  since: time(statusAt),
  ...granted !== undefined && { granted: granted.version },
  ...error !== '' && { error }
})

/** ISO 8601, of epoch milliseconds. */
export const time = (at: number): string => new Date(at).toISOString()
