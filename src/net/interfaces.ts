// The machine's network interfaces, as the kernel has them. getifaddrs(3) rather than os.networkInterfaces(), which leaves
// out those without a carrier: a bridge whose virtual machine does not run yet, a switch that starts slower than the server.
import type { Clock } from '../base/clock.js'
import { AppError } from '../base/errors.js'
import { didYouMean } from '../base/nearest.js'
import { type Ipv4, subnetOf, type Subnet } from './ipv4.js'
import { constants, familyOf, intOf, type InterfaceEntry, openLibc } from './libc.js'
import { macFromBytes, type Mac } from './mac.js'

export interface NetworkInterface {
  readonly name: string
  /** The kernel's number; an interface that is removed and made anew has another. */
  readonly index: number
  /** Somebody set it up (`ip link set up`). */
  readonly up: boolean
  /** It has a carrier as well: what is sent there goes somewhere. */
  readonly running: boolean
  /** Undefined on interfaces without an Ethernet address (tunnels, InfiniBand). */
  readonly mac: Mac | undefined
  readonly addresses: readonly OwnAddress[]
}

export interface OwnAddress { readonly ip: Ipv4, readonly subnet: Subnet }

export interface InterfaceAddress extends OwnAddress {
  readonly name: string
  readonly mac: Mac | undefined
}

/**
 * Every interface by its name. AppError `socket_failed` when the kernel can't be asked (no descriptor is left): who asks in
 * passing goes on with what it knew.
 */
export function networkInterfaces (): ReadonlyMap<string, NetworkInterface> {
  const libc = openLibc()
  const entries = libc.getifaddrs()
  if (entries === undefined) throw new AppError('socket_failed', `cannot ask for this machine's addresses: ${libc.errno()}`)
  const found = new Map<string, NetworkInterface>()
  for (const entry of entries) {
    // An address with a label of its own (`eth0:1`) is still the interface's.
    const name = entry.name.split(':', 1)[0]!
    const known = found.get(name) ?? unknown(name, entry)
    found.set(name, { ...known, ...factsOf(entry, known) })
  }
  return found
}

const unknown = (name: string, { flags }: InterfaceEntry): NetworkInterface => ({
  name, index: 0, up: has(flags, constants.iffUp), running: has(flags, constants.iffRunning), mac: undefined, addresses: []
})

const has = (flags: number, flag: number): boolean => (flags & flag) !== 0

function factsOf ({ address, netmask }: InterfaceEntry, { addresses }: NetworkInterface): Partial<NetworkInterface> {
  if (address === undefined) return {}
  if (familyOf(address) === constants.afInet) {
    const ip = address.readUInt32BE(4)
    const prefix = netmask === undefined ? 32 : prefixOf(netmask.readUInt32BE(4))
    return { addresses: [...addresses, { ip, subnet: subnetOf(ip, prefix) }] }
  }
  // struct sockaddr_ll: the index at 4, the address's length at 11, the address from 12 on.
  const hasMac = address[11] === 6
  return { index: intOf(address.subarray(4, 8)), mac: hasMac ? macFromBytes(address.subarray(12, 18)) : undefined }
}

const prefixOf = (mask: Ipv4): number => Math.clz32(~mask)

/** Every IPv4 address that this machine answers on: those of interfaces that are up, with a carrier or without. */
export const localAddresses = (): readonly InterfaceAddress[] => addressesAmong(networkInterfaces())

const addressesAmong = (interfaces: ReadonlyMap<string, NetworkInterface>): readonly InterfaceAddress[] =>
  [...interfaces.values()].filter(({ up }) => up)
    .flatMap(({ name, mac, addresses }) => addresses.map(address => ({ name, mac, ...address })))

/** Milliseconds for which what was found is taken for what is there. */
const keptFor = 500

/** As `networkInterfaces`, for who asks again and again: one look serves all of them, unless one of them asks anew. */
export type LookAtInterfaces = (anew?: boolean) => ReadonlyMap<string, NetworkInterface>

/**
 * The kernel is asked twice a second at most. With a hundred interfaces, as a host of containers or virtual machines has, it takes 2.4 ms
 * each time.
 */
export function keptInterfaces (clock: Pick<Clock, 'now'>, look = networkInterfaces): LookAtInterfaces {
  let kept: { readonly at: number, readonly interfaces: ReadonlyMap<string, NetworkInterface> } | undefined
  return (anew = false) => {
    const now = clock.now()
    if (anew || kept === undefined || Math.abs(now - kept.at) >= keptFor) kept = { at: now, interfaces: look() }
    return kept.interfaces
  }
}

/** As `localAddresses`, of those interfaces: for who asks with each request. Throws as long as the kernel could not be asked. */
export function keptAddresses (interfaces: LookAtInterfaces): () => readonly InterfaceAddress[] {
  let kept: { readonly of: ReadonlyMap<string, NetworkInterface>, readonly addresses: readonly InterfaceAddress[] } | undefined
  return () => {
    try {
      const now = interfaces()
      if (kept?.of !== now) kept = { of: now, addresses: addressesAmong(now) }
    } catch (error) {
      // No descriptor is left: as before.
      if (kept === undefined) throw error
    }
    return kept.addresses
  }
}

/** Whether this machine has the address; `otherwise` when the kernel can't be asked. */
export function hasAddress (ip: Ipv4, otherwise: boolean): boolean {
  try {
    return localAddresses().some(own => own.ip === ip)
  } catch {
    return otherwise
  }
}

/**
 * The interface, with at least one IPv4 address; AppError `interface_missing` when it is not there or has none, with the
 * interfaces that would do.
 */
export function interfaceNamed (name: string): NetworkInterface {
  const all = networkInterfaces()
  const found = all.get(name)
  if (found !== undefined && found.addresses.length > 0) return found
  throw new AppError('interface_missing', missingProblem(name, all))
}

/** What is said of an interface that is not there, or has no address: which others would do. */
export function missingProblem (name: string, all: ReadonlyMap<string, NetworkInterface>): string {
  const others = [...all.values()].filter(other => other.name !== 'lo' && other.addresses.length > 0).map(other => other.name)
  const hint = others.length === 0 ? 'no other interface has one' : `interfaces with one: ${others.join(', ')}`
  return all.has(name) ? `interface ${name} has no IPv4 address (${hint})` : `no interface ${name} with an IPv4 address on this machine (${hint})${didYouMean(name, all.keys())}`
}

/** The IPv4 addresses of one interface, at least one; AppError like interfaceNamed's. */
export function addressesOf (name: string): readonly InterfaceAddress[] {
  const { mac, addresses } = interfaceNamed(name)
  return addresses.map(address => ({ name, mac, ...address }))
}

/** Why nobody on the interface is heard, undefined when they are. */
export function linkProblem (name: string, state: NetworkInterface | undefined): string | undefined {
  if (state === undefined) return `interface ${name} is gone`
  if (state.addresses.length === 0) return `interface ${name} has no IPv4 address any more`
  if (!state.up) return `interface ${name} is down (ip link set ${name} up)`
  return state.running ? undefined : `interface ${name} has no carrier: machines on it are served when its link comes up`
}
