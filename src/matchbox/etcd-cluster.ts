// A cluster of etcd that the machines of some groups make together: group metadata `etcd_cluster: {"name": "main", "size": 3}`. Their
// templates are given {{.etcd_discovery}}, the URL by which the members find one another.
import { AppError } from '../base/errors.js'
import { type JsonValue, parseJson, valueOf } from '../go/json.js'
import { goBytes } from '../go/string.js'
import type { Group } from './group.js'

export interface EtcdCluster {
  readonly name: string
  /** How many members make it. */
  readonly size: number
}

/** The URL that a cluster's members are to be told. */
export interface DiscoveryUrls {
  /** undefined as long as it would not survive a power cut. `client` is the address of the machine that is told. */
  readonly of: (cluster: string, client: string | undefined) => string | undefined
  /** Another object whenever a cluster may have another URL. */
  readonly version: () => object
}

const clusterKey = 'etcd_cluster'
const discoveryVariable = 'etcd_discovery'
const largestSize = 100

export interface ClusterRead { readonly cluster: EtcdCluster | undefined, readonly problem?: string }

/** The cluster that a group's machines are to join; Terraform's provider makes text of an object, which is read as JSON. */
export function etcdClusterOf ({ id, metadata }: Group): ClusterRead {
  const value = metadata?.get(clusterKey)
  if (value === undefined || value === null) return { cluster: undefined }
  const members = value instanceof Map ? value : typeof value === 'string' ? objectIn(value) : undefined
  const name = members?.get('name')
  const size = Number(textIn(members?.get('size')))
  const isWhole = typeof name === 'string' && /^[A-Za-z0-9][\w.-]{0,63}$/.test(name) && Number.isSafeInteger(size) && size >= 1 && size <= largestSize
  return isWhole
    ? { cluster: { name, size } }
    : { cluster: undefined, problem: `group ${id}: metadata ${clusterKey} is to be {"name": "...", "size": N}: a name of letters, digits, - . _ and a size of 1 to ${largestSize}` }
}

/** Each cluster once, with the sizes that groups give it. */
export function clustersOf (groups: Iterable<Group>): ReadonlyArray<{ readonly name: string, readonly sizes: readonly number[] }> {
  const byName = new Map<string, Set<number>>()
  for (const group of groups) {
    const cluster = group.metadata === undefined ? undefined : etcdClusterOf(group).cluster
    if (cluster !== undefined) byName.set(cluster.name, (byName.get(cluster.name) ?? new Set()).add(cluster.size))
  }
  return [...byName].map(([name, sizes]) => ({ name, sizes: [...sizes] }))
}

function objectIn (text: string): ReadonlyMap<string, JsonValue> | undefined {
  try {
    const value = valueOf(parseJson(goBytes(text)))
    return value instanceof Map ? value : undefined
  } catch {
    return undefined
  }
}

const textIn = (value: JsonValue | undefined): string => typeof value === 'string' || typeof value === 'number' ? String(value) : ''

/** For whoever looks at what a machine would get, without a service that runs. */
export const exampleUrls: DiscoveryUrls = { of: () => `http://192.0.2.1:8080/etcd/${'0'.repeat(32)}`, version: () => exampleUrls }

/**
 * The group as its templates see it. Throws AppError discovery_pending: a machine asks again. What the group itself says of the
 * variable is left alone.
 */
export function withDiscovery (group: Group, urls: DiscoveryUrls | undefined, client: string | undefined): Group {
  if (group.metadata?.has(clusterKey) !== true || group.metadata.has(discoveryVariable)) return group
  const { cluster } = etcdClusterOf(group)
  if (urls === undefined || cluster === undefined) return group
  const url = urls.of(cluster.name, client)
  if (url === undefined) throw new AppError('discovery_pending', `the discovery token of the etcd cluster ${cluster.name} is not on disk yet`)
  return { ...group, metadata: new Map([...group.metadata, [discoveryVariable, url]]) }
}
