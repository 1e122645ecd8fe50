// Where what belongs to one fleet stands in etcd, below a prefix that several fleets may not share. The keys of groups, profiles and
// configs are the paths of the files that the folder of one machine has, without .json; the value is the file's bytes.
import { Buffer } from 'node:buffer'
import { formatIpv4, formatSubnet, type Ipv4, parseIpv4, parseSubnet } from '../net/ipv4.js'
import { type Mac, parseMac } from '../net/mac.js'

/** Folders of the store, as a provisioner alone has them on disk. */
export const objectFolders = ['groups', 'profiles', 'ignition', 'cloud', 'generic', 'snippets', 'files'] as const
export type ObjectFolder = typeof objectFolders[number]

export const updateKeys = ['instances', 'groups', 'holders', 'grants'] as const
export type UpdateKey = typeof updateKeys[number]

/** What a key below the prefix stands for. */
export type Meaning =
  /** Which fleet this is, and in which format the rest is written. */
  | { readonly kind: 'fleet' }
  | { readonly kind: 'object', readonly folder: ObjectFolder, readonly name: string }
  | { readonly kind: 'lease', readonly ip: Ipv4 }
  /** Which address of a subnet (`10.0.0.0/24`) is a machine's. */
  | { readonly kind: 'binding', readonly subnet: string, readonly mac: Mac }
  | { readonly kind: 'machine', readonly mac: Mac }
  /** A provisioner that is there: its key ends with it. */
  | { readonly kind: 'server', readonly name: string }
  /** Of day two: an installed machine, a group's state, who may reboot, or the last grant of a group. */
  | { readonly kind: 'update', readonly what: UpdateKey, readonly name: string }
  /** Of etcd discovery: the last index, a token, or a member below it. */
  | { readonly kind: 'discovery', readonly what: 'index' }
  | { readonly kind: 'discovery', readonly what: 'token', readonly token: string }
  | { readonly kind: 'discovery', readonly what: 'member', readonly token: string, readonly id: string }
  /** How often a guard token was used, by its hash. */
  | { readonly kind: 'guard', readonly name: string }
  /** A small state that all share, whole under one key: enrolment, updates, a secret. */
  | { readonly kind: 'shared', readonly name: string }

const keyOf = {
  fleet: (): string => 'fleet',
  object: ({ folder, name }: { readonly folder: ObjectFolder, readonly name: string }): string => `${folder}/${name}`,
  lease: ({ ip }: { readonly ip: Ipv4 }): string => `leases/${formatIpv4(ip)}`,
  binding: ({ subnet, mac }: { readonly subnet: string, readonly mac: Mac }): string => `bindings/${subnet.replace('/', '-')}/${mac}`,
  machine: ({ mac }: { readonly mac: Mac }): string => `machines/${mac}`,
  server: ({ name }: { readonly name: string }): string => `servers/${name}`,
  update: ({ what, name }: { readonly what: UpdateKey, readonly name: string }): string => `updates/${what}/${encodeURIComponent(name)}`,
  discovery: (of: { readonly what: 'index' } | { readonly what: 'token', readonly token: string } | { readonly what: 'member', readonly token: string, readonly id: string }): string =>
    of.what === 'index' ? 'discovery/index' : of.what === 'token' ? `discovery/tokens/${of.token}` : `discovery/members/${of.token}/${encodeURIComponent(of.id)}`,
  guard: ({ name }: { readonly name: string }): string => `guard/${name}`,
  shared: ({ name }: { readonly name: string }): string => `shared/${name}`
} as const

/** The key below the prefix. */
export const formatKey = (meaning: Meaning): string => (keyOf[meaning.kind] as (meaning: Meaning) => string)(meaning)

/** undefined for a key that this version does not know. */
export function parseKey (key: string): Meaning | undefined {
  if (key === 'fleet') return { kind: 'fleet' }
  const slash = key.indexOf('/')
  const [top, name] = [key.slice(0, slash), key.slice(slash + 1)]
  if (slash < 0 || name === '') return undefined
  const folder = objectFolders.find(known => known === top)
  if (folder !== undefined) return isPath(name) ? { kind: 'object', folder, name } : undefined
  if (top === 'servers' || top === 'shared' || top === 'guard') return name.includes('/') ? undefined : { kind: top === 'servers' ? 'server' : top, name }
  if (key === 'discovery/index') return { kind: 'discovery', what: 'index' }
  const [, below, token = '', id] = /^discovery\/(tokens|members)\/([0-9a-f]+)(?:\/([^/]+))?$/.exec(key) ?? []
  if (below === 'tokens' && id === undefined) return { kind: 'discovery', what: 'token', token }
  if (below === 'members' && id !== undefined && isEncoded(id)) return { kind: 'discovery', what: 'member', token, id: decodeURIComponent(id) }
  const [what, said] = [updateKeys.find(known => top === 'updates' && name.startsWith(`${known}/`)), name.slice(name.indexOf('/') + 1)]
  if (what !== undefined) return isEncoded(said) ? { kind: 'update', what, name: decodeURIComponent(said) } : undefined
  const ip = top === 'leases' ? parseIpv4(name) : undefined
  if (ip !== undefined) return { kind: 'lease', ip }
  if (top === 'bindings') return parseBinding(name)
  const mac = top === 'machines' ? parseMac(name) : undefined
  return mac === undefined || mac !== name ? undefined : { kind: 'machine', mac }
}

function parseBinding (name: string): Meaning | undefined {
  const [, address = '', prefix = '', machine = ''] = /^([\d.]+)-(\d+)\/([^/]+)$/.exec(name) ?? []
  const [subnet, mac] = [parseSubnet(`${address}/${prefix}`), parseMac(machine)]
  if (subnet === undefined || mac === undefined || mac !== machine || formatSubnet(subnet) !== `${address}/${prefix}`) return undefined
  return { kind: 'binding', subnet: formatSubnet(subnet), mac }
}

function isEncoded (name: string): boolean {
  try {
    return name !== '' && encodeURIComponent(decodeURIComponent(name)) === name
  } catch {
    return false
  }
}

/** As a file below its folder can be called: what is exported must not leave it. */
const isPath = (name: string): boolean =>
  !name.includes('\0') && name.split('/').every(part => part !== '' && part !== '.' && part !== '..')

/** The key after all those that begin so: what etcd calls the end of a range. UTF-8 has no octet of 0xff, after which none would come. */
export function endOfPrefix (prefix: string): Buffer {
  // All keys.
  if (prefix === '') return Buffer.from([0])
  const end = Buffer.from(prefix)
  end[end.length - 1]! += 1
  return end
}
