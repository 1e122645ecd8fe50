// etcd in a test's network namespaces, a member in each.
import { join } from 'node:path'
import type { NetworkNamespace, Running } from './netns.js'
import { findTool } from './tools.js'

export interface EtcdPlace {
  readonly name: string
  /** Of the namespace; its clients come by port 2379. */
  readonly address: string
  /** The folders of members lie in it. */
  readonly folder: string
  /** All members by name and address; without, it is the only one. */
  readonly members?: Readonly<Record<string, string>>
}

/** Starts a member. */
export function startEtcdIn (space: NetworkNamespace, { name, address, folder, members = { [name]: address } }: EtcdPlace): Running {
  return space.spawn(findTool('etcd') ?? 'etcd', '--name', name, '--data-dir', join(folder, name),
    '--listen-client-urls', `http://${address}:2379,http://127.0.0.1:2379`, '--advertise-client-urls', `http://${address}:2379`,
    '--listen-peer-urls', `http://${address}:2380`, '--initial-advertise-peer-urls', `http://${address}:2380`,
    '--initial-cluster', Object.entries(members).map(([name, address]) => `${name}=http://${address}:2380`).join(','),
    // A busy machine is no reason to elect a leader.
    '--heartbeat-interval', '200', '--election-timeout', '2000', '--logger', 'zap', '--log-level', 'error')
}
