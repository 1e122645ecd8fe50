// What groups say of single machines, for all parts of the running appliance: kept as groups are written.
import { isBootFileName } from '../config/load.js'
import { machinesOf } from '../matchbox/group-machines.js'
import { GroupMachines } from '../matchbox/group-machines-index.js'
import type { Store } from '../matchbox/store.js'
import type { Mac } from '../net/mac.js'
import type { OnClose } from './closing.js'

export const keepGroupMachines = (store: Store): GroupMachines => new GroupMachines(() => store.snapshot.groups, isBootFileName)

/** Tells `kept` of each change, and `onLoaders` of the machines whose loader a person may have chosen with it. */
export function followGroups (kept: GroupMachines, store: Store, onLoaders: (machines: readonly Mac[]) => void, onClose: OnClose): void {
  const stop = store.onChange(changes => {
    kept.changed(changes)
    for (const { kind, name } of changes) {
      const group = kind === 'group' ? store.snapshot.groups.get(name) : undefined
      if (group !== undefined) onLoaders(machinesOf(group.selector))
    }
  })
  onClose(async () => { stop() })
}
