// The machines' records: the registry, the file behind it, and what of it bears on what machines boot.
import { join } from 'node:path'
import { countByThemselves } from '../base/log.js'
import { buildFor } from '../dhcp/constants.js'
import { lineFormats } from '../disk/state-formats.js'
import { AddressClaims } from '../machines/address-claims.js'
import { MachineJournal } from '../machines/journal.js'
import { MachineRegistry } from '../machines/registry.js'
import { recordLimits } from '../machines/timeline.js'
import type { ToldLater } from '../machines/told-later.js'
import type { MachinePast } from '../matchbox/boot-decision.js'
import { boardFile, boardImage } from '../matchbox/render-raspberry-pi.js'
import { NamedMachines } from '../matchbox/named-machines.js'
import type { Provisioner } from '../matchbox/provisioner.js'
import { contains, type Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import type { OnClose } from './closing.js'
import { bootFileKind } from '../http/booting-machines.js'
import type { Cluster } from './cluster.js'
import type { Ground } from './ground.js'
import { modeAt } from '../dhcp/homes.js'
import type { BootFileSent } from '../machines/observer.js'
import type { Leases } from './leases.js'

/** Whose an address is. Of several provisioners the leases that others gave are looked for in etcd, and a late answer is waited for. */
export const claimsOf = (
  { config, homes, clock, cluster, arp }: Pick<Ground, 'config' | 'homes' | 'clock' | 'cluster' | 'arp'>, { store }: Leases, holderOf: (ip: Ipv4) => Mac | undefined
): AddressClaims => new AddressClaims({
  modeAt: ip => modeAt(homes, ip),
  holderOf,
  clock,
  settle: cluster === undefined ? undefined : ip => cluster.state.overHiccup(async () => { await store.settle?.(ip) }),
  isGiven: ip => config.dhcp.subnets.some(({ subnet }) => contains(subnet, ip)),
  lookUp: arp.find
})

export async function openRegistry (
  ground: Ground, leases: Leases, addressClaims: Pick<AddressClaims, 'isReserved'>, toldLater: ToldLater, onClose: OnClose
): Promise<MachineRegistry> {
  const { config, log, clock, store, cluster } = ground
  const holder: { registry?: MachineRegistry } = {}
  const journal = new MachineJournal({
    path: join(config.state_path, lineFormats.machine.file), clock, log, current: () => holder.registry?.values() ?? []
  })
  const shared = cluster?.openMachines({
    own: journal,
    onMachine: machine => { holder.registry?.take(machine) },
    onForgotten: mac => { holder.registry?.forget(mac) },
    isLeased: mac => mac !== undefined && holder.registry?.kindOf(mac) === 'leased'
  })
  const machines = shared ?? journal
  const named = new NamedMachines(() => store.snapshot.groups)
  const registry = holder.registry = new MachineRegistry(await machines.load(), {
    note: (machine, how) => { machines.note(machine, how) },
    kept: mac => machines.kept(mac),
    catchUp: mac => { toldLater.now(mac) },
    ...cluster !== undefined && { limits: { known: recordLimits.shared, stranger: recordLimits.stranger } },
    kindOf: ({ mac, group }) => {
      if (named.has(group, mac) || addressClaims.isReserved(mac)) return 'known'
      return leases.table.ofMac(mac).length > 0 ? 'leased' : 'stranger'
    }
  })
  shared?.shareKept(mac => registry.kindOf(mac) !== 'stranger')
  countByThemselves(log, mac => registry.kindOf(mac as Mac) === 'known' || addressClaims.isReserved(mac as Mac))
  onClose(() => machines.close(), 'file')
  return registry
}

export const pastOf = (registry: MachineRegistry, cluster?: Cluster): MachinePast => ({
  installedAs: mac => registry.get(mac as Mac)?.installedAs,
  architectureOf: mac => buildFor(registry.get(mac as Mac)?.architecture ?? ''),
  ...cluster !== undefined && {
    isCertain: () => cluster.state.standing.inStep,
    settle: (mac: string) => cluster.settleMachine(mac as Mac)
  }
})

/** Stands for what a machine would boot now, where its group installs it once. */
export const bootsAs = (provisioner: Provisioner) => (mac: Mac): string | undefined =>
  provisioner.bootOf({ labels: new Map([['mac', mac]]), rawQuery: '', client: undefined }).bootedAs

/** What a file that was sent by TFTP is to a machine, by what it would boot now. */
export const bootFileOf = (provisioner: Provisioner) => (mac: Mac, file: string): BootFileSent | undefined => {
  const { group, boot } = provisioner.bootOf({ labels: new Map([['mac', mac]]), rawQuery: '', client: undefined })
  if (boot === undefined) return undefined
  const board = boardFile(file)
  const kind = board === undefined ? bootFileKind(boot, `/${file}`) : boardImage(board.name, boot)?.kind
  return kind === undefined ? undefined : { kind, group: group?.id, profile: group?.profile }
}
