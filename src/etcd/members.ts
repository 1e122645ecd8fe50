// The members of etcd, each asked by itself, and what is amiss with them together: what a call that goes to whoever answers never shows.
import { messageOf } from '../base/errors.js'
import type { EtcdClient } from './etcd-client.js'

export interface MemberReport {
  readonly endpoint: string
  /** Why it does not answer. */
  readonly failure?: string
  readonly version?: string
  readonly hasLeader?: boolean
  readonly cluster?: string
  /** What it says of itself that is amiss: `alarm:NOSPACE`. */
  readonly errors?: readonly string[]
}

/** The calls that are made exist from here on. */
const oldest = '3.4'

/** `open` gives a client of one endpoint alone, which is closed again. */
export async function askMembers (
  endpoints: readonly string[], open: (endpoint: string) => Promise<EtcdClient>
): Promise<readonly MemberReport[]> {
  return await Promise.all(endpoints.map(async endpoint => {
    const etcd = await open(endpoint)
    try {
      const { version, leader, header, errors } = await etcd.call('Status', {})
      return { endpoint, version, hasLeader: leader !== '0', cluster: header.cluster_id, errors }
    } catch (error) {
      return { endpoint, failure: messageOf(error).replace(`etcd does not answer: ${endpoint}: `, '') }
    } finally {
      etcd.close()
    }
  }))
}

/** In words; nothing of who does not answer. */
export function amissTogether (reports: readonly MemberReport[]): readonly string[] {
  const answering = reports.filter(({ cluster }) => cluster !== undefined)
  const clusters = new Set(answering.map(({ cluster }) => cluster))
  const each = answering.map(({ endpoint, cluster = '0' }) => `${endpoint} to ${BigInt(cluster).toString(16)}`)
  const old = answering.filter(({ version = '' }) => isOld(version))
  return [
    ...clusters.size > 1 ? [`the endpoints belong to ${clusters.size} different clusters: ${each.join(', ')}`] : [],
    ...old.map(({ endpoint, version = '' }) => `${endpoint}: etcd ${version} is too old: ${oldest} or later is needed`)
  ]
}

function isOld (version: string): boolean {
  const [least, found] = [oldest, version].map(text => text.split('.').map(Number))
  const [major, minor] = [found?.[0] ?? 0, found?.[1] ?? 0]
  return major < least![0]! || (major === least![0]! && minor < least![1]!)
}
