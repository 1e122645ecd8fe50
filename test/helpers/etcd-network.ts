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
  /** What it keeps lies in memory, and goes with it: for a test whose subject is not what becomes of an etcd that waits for a busy disk. */
  readonly isFleeting?: boolean
}

/** Starts a member. */
export function startEtcdIn (
  space: NetworkNamespace, { name, address, folder, members = { [name]: address }, isFleeting = false }: EtcdPlace
): Running {
  const data = join(folder, name)
  // What runs in a network namespace has its own mounts.
  const inMemory = ['sh', '-c', 'mkdir "$0" && mount -t tmpfs -o mode=700 etcd "$0" && exec "$@"', data]
  const [program = '', ...words] = [...isFleeting ? inMemory : [], findTool('etcd') ?? 'etcd']
  return space.spawn(program, ...words, '--name', name, '--data-dir', data,
    '--listen-client-urls', `http://${address}:2379,http://127.0.0.1:2379`, '--advertise-client-urls', `http://${address}:2379`,
    '--listen-peer-urls', `http://${address}:2380`, '--initial-advertise-peer-urls', `http://${address}:2380`,
    '--initial-cluster', Object.entries(members).map(([name, address]) => `${name}=http://${address}:2380`).join(','),
    // A busy machine is no reason to elect a leader.
    '--heartbeat-interval', '200', '--election-timeout', '2000', '--logger', 'zap', '--log-level', 'error')
}
