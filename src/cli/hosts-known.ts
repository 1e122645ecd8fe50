// The reservations that there are, wherever they are written: the configuration, the files of hosts.d, groups.
import { basename, join } from 'node:path'
import { AppError } from '../base/errors.js'
import { HostsFolder } from '../config/hosts-folder.js'
import type { LoadedConfig } from '../config/load.js'
import type { KnownHost, PlanSubnet } from '../inventory/plan.js'
import type { Group } from '../matchbox/group.js'
import { groupReservations, machinesOf } from '../matchbox/group-machines.js'
import type { OpenStore } from '../matchbox/store.js'
import { openStore } from '../wiring/looking.js'
import type { Io } from './command.js'
import { errorLog } from './error-log.js'

export const hostsFolder = ({ config }: LoadedConfig): string => join(config.state_path, 'hosts.d')

/** Nothing is watched; the caller closes it. */
export const openQuietStore = ({ config }: LoadedConfig, io: Io, writes = false): Promise<OpenStore> =>
  openStore(config, errorLog(io), writes)

export interface Known {
  readonly hosts: readonly KnownHost[]
  /** A line for each entry of hosts.d that could not be read. */
  readonly problems: readonly string[]
}

/** `ownFile` is the file of hosts.d that an import replaces: what stands in it is its own. */
export async function knownHosts (loaded: LoadedConfig, groups: Iterable<Group>, ownFile?: string): Promise<Known> {
  const { config, where } = loaded
  const folder = await new HostsFolder(hostsFolder(loaded)).read()
  const written = config.dhcp.reservations.map((entry, index) => ({ ...entry, source: where(['dhcp', 'reservations', index]), own: false }))
  const isOwn = (source: string): boolean => ownFile !== undefined && source.startsWith(`${ownFile}:`)
  const filed = folder.entries.map(entry => ({ ...entry, own: isOwn(entry.source), source: shortSource(entry.source) }))
  return {
    hosts: [
      ...[...written, ...filed].map(({ mac, ip, hostname, role, source, own }): KnownHost =>
        ({ macs: [mac], ip, name: hostname, role, source, own })),
      ...groupHosts(groups)
    ],
    problems: folder.problems
  }
}

const shortSource = (source: string): string => `hosts.d/${basename(source)}`

/** A machine that a group names. */
export type GroupHost = KnownHost & { readonly group: string }

/** Machines that groups reserve an address for; `all`: those that they name without one as well. */
export function groupHosts (groups: Iterable<Group>, all = false): readonly GroupHost[] {
  const list = [...groups]
  const reserved = new Map(groupReservations(list).map(reservation => [reservation.source, reservation]))
  return list.flatMap((group): GroupHost[] => {
    const source = `group ${group.id}`
    const reservation = reserved.get(source)
    const macs = reservation?.macs ?? machinesOf(group.selector)
    const role = group.metadata?.get('role')
    const hostName = group.metadata?.get('hostname')
    if (macs.length === 0 || (reservation === undefined && !all)) return []
    return [{
      macs,
      ip: reservation?.ip,
      name: typeof hostName === 'string' && hostName !== '' ? hostName : undefined,
      role: typeof role === 'string' && role !== '' ? role : undefined,
      source,
      group: group.id,
      own: false
    }]
  })
}

export const planSubnets = ({ config }: LoadedConfig): readonly PlanSubnet[] =>
  config.dhcp.subnets.map(({ subnet, routers, domain_name: domain }) => ({ subnet, routers, domain }))

/** What cannot be read is not known: an import beside it could contradict it. */
export function assertReadable ({ problems: [first] }: Known): void {
  if (first !== undefined) throw new AppError('list_conflict', `nothing is changed: ${first}`)
}
