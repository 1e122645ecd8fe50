// What an import would change of the reservations there are: each host is added, changed, the same, in conflict, or not known well
// enough; what an earlier import of the same name brought and this one does not, is removed.
import { contains, formatIpv4, type Ipv4, type Subnet } from '../net/ipv4.js'
import type { Mac } from '../net/mac.js'
import { placeText } from './host-list.js'
import type { JoinedHost } from './join.js'

/** A reservation that is there. */
export interface KnownHost {
  readonly macs: readonly Mac[]
  readonly ip: Ipv4 | undefined
  readonly name: string | undefined
  readonly role: string | undefined
  /** `hosts.d/lab.yaml:3`, `group core-1` */
  readonly source: string
  /** The id of the group that it stands in. */
  readonly group?: string
  /** Whether it is of an earlier import of the same name, which this one replaces. */
  readonly own: boolean
}

export interface PlanSubnet {
  readonly subnet: Subnet
  readonly routers: readonly Ipv4[]
  /** '' when it has none. */
  readonly domain: string
}

export type PlanState = 'added' | 'changed' | 'same' | 'removed' | 'conflict' | 'incomplete'

/** A host as it is to be. */
export interface PlannedHost {
  readonly macs: readonly Mac[]
  readonly ip: Ipv4 | undefined
  readonly name: string | undefined
  readonly role: string | undefined
}

export interface PlanRow extends PlannedHost {
  readonly state: PlanState
  /** What is different, or what keeps it from being taken; '' when there is nothing to say. */
  readonly why: string
  /** `file:line:column` of every list that names it; what it is known by when it is removed. */
  readonly places: readonly string[]
  /** Whether another source has it already, so that it is not written again. */
  readonly elsewhere: boolean
  /** The id of the group that has it, where that is the source. */
  readonly group?: string
}

export interface HostPlanOptions {
  readonly known: readonly KnownHost[]
  readonly subnets: readonly PlanSubnet[]
  /** Addresses of this machine itself, which are nobody else's. */
  readonly ours?: ReadonlySet<Ipv4>
  /** A reservation has one MAC and one IPv4 address; a group may have several of the one and none of the other. */
  readonly as: 'reservations' | 'groups'
}

/** Linear in the number of hosts. */
export function planImport (hosts: readonly JoinedHost[], { known, subnets, ours, as }: HostPlanOptions): readonly PlanRow[] {
  const index = new KnownIndex(known, subnets)
  const kept = new Set<KnownHost>()
  const rows = hosts.map((host): PlanRow => {
    const before = index.of(host)
    if (before?.own === true) kept.add(before)
    const planned: PlannedHost = {
      macs: (host.macs.length > 0 ? host.macs.map(({ value }) => value) : before?.macs ?? []).slice(0, as === 'groups' ? undefined : 1),
      ip: host.ip?.value ?? before?.ip,
      name: host.name === undefined ? before?.name : nameWithin(host.name.value, host.ip?.value ?? before?.ip, subnets),
      role: host.role?.value ?? before?.role
    }
    const places = host.places.map(placeText)
    const row = (state: PlanState, why = '', elsewhere = false, group?: string): PlanRow =>
      ({ ...planned, state, why, places, elsewhere, ...group !== undefined && { group } })
    if (host.conflict !== undefined) return row('conflict', host.conflict)
    if (planned.macs.length === 0) return row('incomplete', 'no list says its MAC address')
    if (planned.ip === undefined && as === 'reservations') return row('incomplete', 'no list says its address')
    if (planned.ip !== undefined && ours?.has(planned.ip) === true) return row('incomplete', `${formatIpv4(planned.ip)} is an address of this machine itself`)
    const misplaced = planned.ip === undefined ? undefined : outside(planned.ip, subnets)
    if (misplaced !== undefined) return row('conflict', misplaced)
    const other = index.conflicting(planned)
    if (other !== undefined) return row('conflict', other)
    if (before === undefined) return row('added')
    const differences = differencesOf(before, planned, host)
    if (!before.own) return row('same', differences === '' ? before.source : `${before.source}, which counts: ${differences}`, true, before.group)
    return differences === '' ? row('same') : row('changed', differences)
  })
  const removed = known.filter(host => host.own && !kept.has(host)).map(({ macs, ip, name, role, source }): PlanRow =>
    ({ macs, ip, name, role, state: 'removed', why: 'an earlier import had it', places: [source], elsewhere: false }))
  return [...rows, ...removed]
}

/** A name in the domain of its own subnet is written without it, as DHCP has the two apart. */
export function nameWithin (name: string, ip: Ipv4 | undefined, subnets: readonly PlanSubnet[]): string {
  const domain = ip === undefined ? '' : subnets.find(({ subnet }) => contains(subnet, ip))?.domain ?? ''
  return domain !== '' && name.toLowerCase().endsWith(`.${domain.toLowerCase()}`) ? name.slice(0, -domain.length - 1) : name
}

function outside (ip: Ipv4, subnets: readonly PlanSubnet[]): string | undefined {
  const found = subnets.find(({ subnet }) => contains(subnet, ip))
  if (subnets.length === 0) return undefined
  if (found === undefined) return `no subnet of dhcp.subnets holds ${formatIpv4(ip)}`
  const { subnet: { prefix, network, broadcast }, routers } = found
  if (prefix < 31 && (ip === network || ip === broadcast)) return `${formatIpv4(ip)} is the network or broadcast address of its subnet`
  return routers.includes(ip) ? `${formatIpv4(ip)} is the address of a router` : undefined
}

function differencesOf (before: KnownHost, after: PlannedHost, host: JoinedHost): string {
  const differences: string[] = []
  const compare = (what: string, from: string | undefined, to: string | undefined): void => {
    if (from !== to) differences.push(`${what} ${from ?? 'none'} becomes ${to ?? 'none'}`)
  }
  const text = (ip: Ipv4 | undefined): string | undefined => ip === undefined ? undefined : formatIpv4(ip)
  if (host.ip !== undefined) compare('address', text(before.ip), text(after.ip))
  const within = before.own ? sameMacs(before.macs, after.macs) : after.macs.every(mac => before.macs.includes(mac))
  if (host.macs.length > 0 && !within) compare('MAC', before.macs.join(','), after.macs.join(','))
  if (host.name !== undefined) compare('name', before.name, after.name)
  if (host.role !== undefined && before.own) compare('role', before.role, after.role)
  return differences.join(', ')
}

const sameMacs = (a: readonly Mac[], b: readonly Mac[]): boolean => a.length === b.length && a.every(mac => b.includes(mac))

class KnownIndex {
  readonly #byMac = new Map<Mac, KnownHost[]>()
  readonly #byIp = new Map<Ipv4, KnownHost>()
  readonly #byName = new Map<string, KnownHost>()
  readonly #subnets: readonly PlanSubnet[]

  constructor (known: readonly KnownHost[], subnets: readonly PlanSubnet[]) {
    this.#subnets = subnets
    for (const host of known) {
      for (const mac of host.macs) {
        const others = this.#byMac.get(mac)
        if (others === undefined) this.#byMac.set(mac, [host])
        else others.push(host)
      }
      if (host.ip !== undefined && !this.#byIp.has(host.ip)) this.#byIp.set(host.ip, host)
      if (host.name !== undefined) {
        const names = new Set([host.name, this.#full(host.name, host.ip)].map(name => name.toLowerCase()))
        for (const name of names) if (!this.#byName.has(name)) this.#byName.set(name, host)
      }
    }
  }

  /** What is known of a host: by its MAC address, in the same subnet if there are several; else by its name. */
  of ({ macs, name, ip }: JoinedHost): KnownHost | undefined {
    const byMac = macs.flatMap(({ value }) => this.#byMac.get(value) ?? [])
    const here = byMac.find(host => ip === undefined || host.ip === undefined || host.ip === ip.value) ??
      byMac.find(host => this.#near(host.ip, ip?.value))
    if (here !== undefined || byMac.length > 0) return here
    if (name === undefined) return undefined
    const key = name.value.toLowerCase()
    const found = this.#byName.get(key) ?? this.#byName.get(nameWithin(key, ip?.value, this.#subnets))
    // Another MAC under the name: only what we wrote ourselves may change so.
    return found !== undefined && (found.own || macs.length === 0) ? found : undefined
  }

  /** What another source says against it. */
  conflicting ({ macs, ip }: PlannedHost): string | undefined {
    const holder = ip === undefined ? undefined : this.#byIp.get(ip)
    if (ip !== undefined && holder?.own === false && !macs.every(mac => holder.macs.includes(mac))) {
      return `${holder.source} has ${formatIpv4(ip)} already, for ${holder.macs.join(', ')}`
    }
    for (const mac of macs) {
      const other = this.#byMac.get(mac)?.find(host => !host.own && host.ip !== ip && this.#near(host.ip, ip))
      if (ip === undefined) continue
      if (other?.ip !== undefined) return `${other.source} gives ${mac} the address ${formatIpv4(other.ip)}`
    }
    return undefined
  }

  #full (name: string, ip: Ipv4 | undefined): string {
    const domain = ip === undefined || name.includes('.') ? '' : this.#subnets.find(({ subnet }) => contains(subnet, ip))?.domain ?? ''
    return domain === '' ? name : `${name}.${domain}`
  }

  /** Whether two addresses are of one subnet; where none is written down, all are. */
  #near (a: Ipv4 | undefined, b: Ipv4 | undefined): boolean {
    if (a === undefined || b === undefined || this.#subnets.length === 0) return true
    return this.#subnets.some(({ subnet }) => contains(subnet, a) && contains(subnet, b))
  }
}
