// Where a machine stands in its life, in Mayu's words, derived from what was seen of it.
import { type Machine, rankOf } from './machine.js'
import { fromDisk } from './timeline.js'

/**
 * `unknown`: nobody named it. `configured`: a group is there for it, and its next boot installs it. `installing`: its kernel was
 * loaded from here. `installed`: it reported so. `running`: its own system asked for an address since.
 */
export const lifeStates = ['unknown', 'configured', 'installing', 'installed', 'running'] as const
export type LifeState = typeof lifeStates[number]

/** `isNamed`: whether a group, a reservation or a lease names the machine. */
export function lifeStateOf ({ stage, installedAt, timeline }: Machine, isNamed: boolean): LifeState {
  if (stage === 'running') return 'running'
  if (installedAt !== undefined) return 'installed'
  const last = timeline.at(-1)
  const loads = stage !== undefined && rankOf(stage) >= rankOf('kernel') && last?.detail !== fromDisk
  return loads ? 'installing' : isNamed ? 'configured' : 'unknown'
}
