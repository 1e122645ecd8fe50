// Labels that groups select by and that nothing tells of a machine: such a group never matches.
import { answersDhcp } from '../config/load.js'
import { architectureLabel } from '../matchbox/provisioner.js'
import type { Ground } from '../wiring/ground.js'
import { type Finding, warning } from './finding.js'

/** The architecture is told by DHCP, or by the first script where that is configured. */
export function diagnoseLabels ({ config, store }: Pick<Ground, 'config' | 'store'>): readonly Finding[] {
  if (answersDhcp(config) || config.boot.script_labels.includes('arch') || config.boot.script_url !== '') return []
  const groups = [...store.snapshot.groups.values()].filter(({ selector }) => selector.has(architectureLabel)).map(({ id }) => id)
  if (groups.length === 0) return []
  return [warning('labels', `${groups.length === 1 ? `group ${groups[0]} selects` : `${groups.length} groups (${groups.slice(0, 3).join(', ')}) select`} by arch, which nothing tells: ` +
    'add arch to boot.script_labels, as Matchbox 0.11 has it')]
}
