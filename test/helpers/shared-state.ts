// What a provisioner of a fleet has of etcd, opened as the appliance opens it.
import { join } from 'node:path'
import { pino, type Logger } from 'pino'
import type { Test } from 'tap'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { FleetCopy } from '../../src/cluster/fleet-copy.js'
import { SharedState } from '../../src/cluster/shared-state.js'
import type { EtcdClient } from '../../src/etcd/etcd-client.js'
import type { EtcdCluster } from './etcd.js'

const quiet = pino({ level: 'silent' }) as Logger

export interface StateOptions {
  readonly prefix?: string
  /** Where its copy on disk is. */
  readonly folder?: string
  readonly clock?: Clock
  readonly log?: Logger
  readonly readOnly?: boolean
  readonly etcd?: EtcdClient
}

/** Started; closed in a teardown, or before. */
export async function openState (t: Test, cluster: EtcdCluster, { prefix = '/fleet/', folder, clock = systemClock, log = quiet, etcd, readOnly = false }: StateOptions = {}): Promise<SharedState> {
  const state = new SharedState({
    etcd: etcd ?? await cluster.client({ patience: 2000 }),
    prefix,
    clock,
    log,
    readOnly,
    ...folder !== undefined && { copy: (current: () => Iterable<readonly [string, Buffer]>) => new FleetCopy({ path: join(folder, 'fleet.jsonl'), clock, log, current }) }
  })
  t.teardown(() => state.close())
  await state.start()
  return state
}
