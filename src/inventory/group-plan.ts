// Groups instead of reservations: one for each machine of a list, with its MAC address as selector, its address and name as
// metadata, and the profile that its role is mapped to.
import { AppError } from '../base/errors.js'
import { assertGroup, encodeGroup, type Group, isMacKey } from '../matchbox/group.js'
import { formatIpv4, type Ipv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { shortName } from './exported.js'
import type { JoinedHost } from './join.js'
import { type KnownHost, planImport, type PlannedHost, type PlanRow, type PlanSubnet } from './plan.js'

export interface ProfileChoice {
  /** For roles that are not mapped, and machines without one. */
  readonly profile: string | undefined
  readonly byRole: ReadonlyMap<string, string>
}

/** `controllers=master`; AppError of kind `usage` for anything else. */
export function parseRoleMap (pairs: readonly string[]): ReadonlyMap<string, string> {
  return new Map(pairs.map(pair => {
    const [, role, profile] = /^([^=]+)=([^=]+)$/.exec(pair) ?? []
    if (role === undefined || profile === undefined) throw new AppError('usage', `--map takes role=profile, such as controllers=master, not ${JSON.stringify(pair)}`)
    return [role, profile]
  }))
}

/** The profile of a role; AppError of kind `usage` when nobody said. */
export function profileOf (role: string | undefined, { profile, byRole }: ProfileChoice): string {
  const found = (role === undefined ? undefined : byRole.get(role)) ?? profile
  if (found === undefined) throw new AppError('usage', `which profile ${role === undefined ? 'machines without a role' : `the role ${role}`} get${role === undefined ? '' : 's'} is not said: --map ${role ?? 'ROLE'}=PROFILE, or --profile PROFILE for all others`)
  return found
}

/** The id of a machine's group: its short name, else its MAC address as file names have it. */
export const groupIdOf = (name: string | undefined, macs: readonly Mac[]): string => name === undefined ? (macs[0] ?? '').replaceAll(':', '-') : shortName(name).toLowerCase()

/** The machine's group; what else `before` says of it, the group that is there, stays. */
export function groupOf ({ macs, ip, name, role }: PlannedHost, profile: string, before: Group | undefined): Group {
  const metadata = new Map(before?.metadata)
  if (ip !== undefined) metadata.set('ip', formatIpv4(ip))
  if (name !== undefined) metadata.set('hostname', name)
  if (role !== undefined) metadata.set('role', role)
  const id = before?.id ?? groupIdOf(name, macs)
  return {
    id,
    name: before?.name ?? '',
    profile,
    selector: new Map([['mac', macs.join(',')]]),
    metadata: metadata.size === 0 ? undefined : metadata
  }
}

/** What becomes of a machine of a list, beside its address, name and role. */
export interface GroupMachine { readonly profile: string, readonly metadata: ReadonlyMap<string, string> }

export interface GroupPlanOptions {
  readonly groups: ReadonlyMap<string, Group>
  /** The machines that groups name, with an address or without. */
  readonly ofGroups: ReadonlyArray<KnownHost & { readonly group: string }>
  /** Those of other sources. */
  readonly known: readonly KnownHost[]
  readonly subnets: readonly PlanSubnet[]
  /** Addresses of this machine itself. */
  readonly ours: ReadonlySet<Ipv4>
  /** AppError: it can't be told. */
  readonly machineOf: (host: JoinedHost | undefined, role: string | undefined) => GroupMachine
}

/** A group to be put, and what is in its place now. */
export interface GroupChange { readonly group: Group, readonly before: Group | undefined }

export interface GroupPlan { readonly rows: readonly PlanRow[], readonly changes: readonly GroupChange[] }

/**
 * What the hosts of joined lists change of the groups there are. Groups of one machine each are an import's to change, whoever wrote them;
 * others count as they are. Linear in the number of hosts and groups. AppError: a group can't be what the lists say.
 */
export function planGroups (
  hosts: readonly JoinedHost[], { groups, ofGroups, known, subnets, ours, machineOf }: GroupPlanOptions
): GroupPlan {
  const named = ofGroups.map(host => ({ ...host, own: isOfOneMachine(groups.get(host.group)) }))
  const groupOfMac = new Map(named.filter(({ own }) => own).flatMap(({ macs, group }) => macs.map(mac => [mac, group] as const)))
  const planned = planImport(hosts, { known: [...named, ...known], subnets, ours, as: 'groups' })
  const ids = new Set<string>()
  const changes: GroupChange[] = []
  const rows = planned.filter(({ state }) => state !== 'removed').map((row, index): PlanRow => {
    if (row.state === 'conflict' || row.state === 'incomplete' || (row.elsewhere && row.group !== undefined)) return row
    const before = [...row.macs.map(mac => groupOfMac.get(mac) ?? ''), groupIdOf(row.name, row.macs)].map(id => groups.get(id)).find(group => group !== undefined)
    if (before !== undefined && !isOfOneMachine(before)) return { ...row, state: 'conflict', why: `group ${before.id} is there, and selects by more than a MAC address` }
    const { profile, metadata } = machineOf(hosts[index], row.role)
    const group = withMetadata(groupOf(row, profile, before), metadata)
    assertGroup(group)
    if (ids.has(group.id)) return { ...row, state: 'conflict', why: `another host of the list becomes the group ${group.id} too` }
    ids.add(group.id)
    if (before !== undefined && encodeGroup(before).equals(encodeGroup(group))) return { ...row, state: 'same', why: `group ${group.id}` }
    changes.push({ group, before })
    return { ...row, state: before === undefined ? 'added' : 'changed', why: `group ${group.id} with profile ${group.profile}${row.why === '' ? '' : `: ${row.why}`}` }
  })
  return { rows, changes }
}

const withMetadata = (group: Group, more: ReadonlyMap<string, string>): Group =>
  more.size === 0 ? group : { ...group, metadata: new Map([...group.metadata ?? [], ...more]) }

const isOfOneMachine = (group: Group | undefined): boolean => group?.selector.size === 1 && [...group.selector.keys()].every(isMacKey)
