// Whether several provisioners share an etcd, and what its keys do not allow together.
import type { Fault } from './fault.js'
import type { Config } from './schema.js'

/** Whether groups, leases and machines are in etcd rather than in files of this machine. */
export const isClustered = ({ cluster }: Pick<Config, 'cluster'>): boolean => cluster.etcd.endpoints.length > 0

/** As far as it can be made out: undefined for what is wrong by itself. */
export interface ClusterWritten {
  readonly isWritten: boolean
  readonly name: string | undefined
  readonly endpoints: readonly string[] | undefined
  readonly isSet: (key: 'cert_file' | 'key_file' | 'user' | 'password_file') => boolean
}

const pairs = [['cert_file', 'key_file'], ['key_file', 'cert_file'], ['user', 'password_file'], ['password_file', 'user']] as const

export function clusterFaults ({ isWritten, name, endpoints, isSet }: ClusterWritten): readonly Fault[] {
  if (!isWritten || endpoints === undefined) return []
  return [
    ...endpoints.length > 0 ? [] : [{ path: ['cluster', 'etcd', 'endpoints'], message: 'expected the members of the etcd that is shared, or no cluster' }],
    ...name !== '' ? [] : [{ path: ['cluster', 'name'], message: 'expected what this provisioner is called, unlike the others that share the etcd' }],
    ...pairs.filter(([one, other]) => isSet(one) && !isSet(other)).map(([one, other]) => ({ path: ['cluster', 'etcd', one], message: `expected cluster.etcd.${other} beside it` }))
  ]
}
