// Groups instead of reservations: one for each machine of a list, with its MAC address as selector, its address and name as
// metadata, and the profile that its role is mapped to.
import type { Group } from '../matchbox/group.js'
import { formatIpv4 } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { AppError } from '../base/errors.js'
import { shortName } from './exported.js'
import type { PlannedHost } from './plan.js'

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
