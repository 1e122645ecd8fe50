// The machines' records: the registry, the file behind it, and what of it bears on what machines boot.
import { join } from 'node:path'
import { MachineJournal } from '../machines/journal.js'
import { MachineRegistry } from '../machines/registry.js'
import type { MachinePast } from '../matchbox/boot-decision.js'
import { NamedMachines } from '../matchbox/named-machines.js'
import type { Provisioner } from '../matchbox/provisioner.js'
import type { Mac } from '../net/mac.js'
import type { OnClose } from './closing.js'
import type { Ground } from './ground.js'
import type { Leases } from './leases.js'

export async function openRegistry ({ config, log, clock, store }: Ground, leases: Leases, onClose: OnClose): Promise<MachineRegistry> {
  const holder: { registry?: MachineRegistry } = {}
  const journal = new MachineJournal({
    path: join(config.state_path, 'machines.jsonl'), clock, log, current: () => holder.registry?.values() ?? []
  })
  const named = new NamedMachines(() => store.snapshot.groups)
  const registry = holder.registry = new MachineRegistry(await journal.load(), {
    note: machine => { journal.note(machine) },
    isKnown: ({ mac, group }) => named.has(group, mac) || leases.table.ofMac(mac).length > 0
  })
  onClose(() => journal.close(), 'file')
  return registry
}

export const pastOf = (registry: MachineRegistry): MachinePast => ({ installedAs: mac => registry.get(mac as Mac)?.installedAs })

/** Stands for what a machine would boot now, where its group installs it once. */
export const bootsAs = (provisioner: Provisioner) => (mac: Mac): string | undefined =>
  provisioner.bootOf({ labels: new Map([['mac', mac]]), rawQuery: '', client: undefined }).bootedAs
