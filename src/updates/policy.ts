// Which machine of a group may update to what, and when: a function of what is known. Named as Nebraska's users know it:
// so many in a period, safe mode (the first one alone, and all stop when it fails), a window, a time-out; never a downgrade,
// and no version left out that is a floor.
import { counted } from '../base/units.js'
import type { Instance } from './instance.js'
import { isUnderWay } from './omaha-events.js'
import { compareVersions } from '../base/version.js'
import { isOpen, nextOpening, type Window } from './window.js'

export interface UpdateGroup {
  readonly name: string
  readonly os: Instance['os']
  /** One of the two: the newest release of a channel, or the one that is named. */
  readonly channel: string | undefined
  readonly version: string | undefined
  /** How many machines may begin in a period, and how many may be under way. */
  readonly maxPerPeriod: number
  /** Milliseconds. */
  readonly period: number
  readonly timeout: number
  readonly window: Window | undefined
  readonly safeMode: boolean
  /** Whether each version waits until an operator approves of it. */
  readonly approval: boolean
  /** Versions that a machine which is older has to go through, oldest first. */
  readonly floors: readonly string[]
}

/** What an operator, or a failure, said of a group. */
export interface GroupState {
  readonly name: string
  readonly paused: boolean
  /** Why safe mode stopped it. */
  readonly stopped?: { readonly version: string, readonly reason: string, readonly at: number } | undefined
  readonly approved: readonly string[]
}

export const newGroupState = (name: string): GroupState => ({ name, paused: false, approved: [] })

export interface PolicyInput {
  readonly instance: Instance
  readonly group: UpdateGroup
  readonly state: GroupState
  /** The machines of its group. The one that asks is none of those under way or timed out; what it was granted counts. */
  readonly others: GroupFigures
  /** Versions that are mirrored whole for its architecture: the newest of the channel, and whether one is there. */
  readonly newest: string | undefined
  readonly isMirrored: (version: string) => boolean
  readonly now: number
}

export type Decision =
  | { readonly kind: 'grant', readonly version: string, readonly repeated: boolean }
  | { readonly kind: 'current' }
  /** In words, for a person; `until` when it is known. */
  | { readonly kind: 'hold', readonly reason: string, readonly until?: number | undefined }

/** How the machines of a group are, towards one version. */
export interface GroupFigures {
  /** Grants of the period that ends now, whatever became of them. */
  readonly grantedInPeriod: number
  readonly underWay: number
  /** Granted, and silent for longer than the time-out. */
  readonly timedOut: number
  /** Machines that came up in the version, by version. */
  readonly completed: ReadonlyMap<string, number>
}

export function decideUpdate ({ instance, group, state, others, newest, isMirrored, now }: PolicyInput): Decision {
  const target = group.version ?? newest
  if (target === undefined) return { kind: 'hold', reason: `no release of ${group.os} ${group.channel ?? ''} with its update is mirrored for ${instance.arch}` }
  if (compareVersions(instance.version, target) >= 0) return { kind: 'current' }
  const floor = group.floors.find(version => compareVersions(version, instance.version) > 0 && compareVersions(version, target) < 0)
  const version = floor ?? target
  if (state.paused) return { kind: 'hold', reason: 'updates of the group are paused' }
  if (state.stopped !== undefined) return { kind: 'hold', reason: `safe mode stopped the group: ${state.stopped.reason}` }

  // The answer may have been lost. What was granted stays so, as long as it can be had and is a step forward.
  const { granted } = instance
  if (granted !== undefined && isUnderWay(instance.status) && now - granted.at < group.timeout &&
    isMirrored(granted.version) && compareVersions(granted.version, instance.version) > 0) return { kind: 'grant', version: granted.version, repeated: true }

  if (!isMirrored(version)) return { kind: 'hold', reason: `${version}${floor === undefined ? '' : ', through which it has to go,'} is not mirrored with its update` }
  if (group.approval && !state.approved.includes(version)) return { kind: 'hold', reason: `${version} waits for approval` }
  if (group.window !== undefined && !isOpen(group.window, now)) return { kind: 'hold', reason: `outside of ${group.window.text}`, until: nextOpening(group.window, now) }
  const first = group.safeMode && (others.completed.get(version) ?? 0) === 0
  const most = first ? 1 : group.maxPerPeriod
  if (others.underWay >= most) return { kind: 'hold', reason: first ? `safe mode: another machine tries ${version} first` : `${counted(others.underWay, 'machine is', 'machines are')} updating` }
  if (others.timedOut >= most) return { kind: 'hold', reason: `${counted(others.timedOut, 'machine began and was', 'machines began and were')} not heard of again` }
  if (others.grantedInPeriod >= most) return { kind: 'hold', reason: `${counted(others.grantedInPeriod, 'machine')} began in the last period` }
  return { kind: 'grant', version, repeated: false }
}

/** Why a group stops after what became of a machine of it; undefined when it goes on. */
export function stopReason (instance: Instance, group: UpdateGroup, completed: number, now: number): string | undefined {
  const { granted } = instance
  if (!group.safeMode || granted === undefined || completed > 0) return undefined
  const who = instance.alias === '' ? instance.id : instance.alias
  if (instance.status === 'error') return `${who} was the first to try ${granted.version}, and it failed: ${instance.error}`
  if (isUnderWay(instance.status) && now - granted.at >= group.timeout) return `${who} was the first to try ${granted.version}, and was not heard of in time`
  return undefined
}
