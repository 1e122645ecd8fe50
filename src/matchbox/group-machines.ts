// What a group says of single machines: those that its selector names, the address and the loader that its metadata gives them.
import { type Ipv4, parseIpv4 } from '../net/ipv4.js'
import { type Mac, parseMac } from '../net/mac.js'
import { type Group, isMacKey } from './group.js'

/** The machines that a selector names one by one. */
export function machinesOf (selector: Group['selector']): readonly Mac[] {
  const macs: Mac[] = []
  for (const [key, value] of selector) {
    if (!isMacKey(key)) continue
    for (const text of value.split(',')) {
      const mac = parseMac(text.trim())
      if (mac !== undefined) macs.push(mac)
    }
  }
  return macs
}

/** In the metadata of a group whose selector names no card: the one that its address is for. Enrolments write it. */
export const enrolledMacKey = 'enrolled_mac'

type NamingGroup = Pick<Group, 'selector' | 'metadata'>

/** A group is never changed but replaced; reading all of twenty thousand takes longer than one turn may. */
const known = new WeakMap<NamingGroup, readonly Mac[]>()

/** The machines that a group reserves its address for. */
export function reservedFor (group: NamingGroup): readonly Mac[] {
  const before = known.get(group)
  if (before !== undefined) return before
  const macs = readReserved(group)
  known.set(group, macs)
  return macs
}

function readReserved ({ selector, metadata }: NamingGroup): readonly Mac[] {
  const named = machinesOf(selector)
  const written = metadata?.get(enrolledMacKey)
  const mac = named.length === 0 && typeof written === 'string' ? parseMac(written) : undefined
  return mac === undefined ? named : [mac]
}

export interface GroupReservation {
  readonly macs: readonly Mac[]
  readonly ip: Ipv4
  readonly hostName: string | undefined
  /** `group core-1` */
  readonly source: string
}

/** A group with a `mac` in its selector and an `ip` in its metadata reserves the address: so Terraform alone defines DHCP. */
export function groupReservations (groups: Iterable<Group>): readonly GroupReservation[] {
  const found: GroupReservation[] = []
  for (const group of groups) {
    const { id, metadata } = group
    const address = metadata?.get('ip')
    const ip = typeof address === 'string' ? parseIpv4(address) : undefined
    if (ip === undefined) continue
    const macs = reservedFor(group)
    const hostName = metadata?.get('hostname')
    if (macs.length > 0) found.push({ macs, ip, hostName: typeof hostName === 'string' && hostName !== '' ? hostName : undefined, source: `group ${id}` })
  }
  return found
}

export interface GroupLoaders {
  readonly loaders: ReadonlyArray<{ readonly mac: Mac, readonly loader: string }>
  /** A line for each group whose `boot_file` can't be one. */
  readonly problems: readonly string[]
}

/** Boot files that groups choose for their machines (`metadata.boot_file`); `isFileName` says which names there can be. */
export function groupLoaders (groups: Iterable<Group>, isFileName: (name: string) => boolean): GroupLoaders {
  const loaders: Array<{ mac: Mac, loader: string }> = []
  const problems: string[] = []
  for (const { id, selector, metadata } of groups) {
    const loader = metadata?.get('boot_file')
    if (loader === undefined) continue
    const macs = machinesOf(selector)
    if (typeof loader !== 'string' || !isFileName(loader)) problems.push(`group ${id}: metadata.boot_file is left out: it is no file name below the TFTP root`)
    else if (macs.length === 0) problems.push(`group ${id}: metadata.boot_file is left out: the selector names no mac to give it to`)
    else loaders.push(...macs.map(mac => ({ mac, loader })))
  }
  return { loaders, problems }
}

export interface MachineName { readonly macs: readonly Mac[], readonly name: string, readonly group: string }

/** Each machine that a group names by its cards, once, with the name that the group gives it. */
export function * namedMachines (groups: Iterable<Group>): Generator<MachineName> {
  const seen = new Set<string>()
  for (const group of groups) {
    const { id, name, metadata } = group
    const macs = reservedFor(group)
    const cards = macs.join(' ')
    if (macs.length === 0 || seen.has(cards)) continue
    seen.add(cards)
    const hostname = metadata?.get('hostname')
    yield { macs, name: typeof hostname === 'string' && hostname !== '' ? hostname : name === '' ? id : name, group: id }
  }
}
