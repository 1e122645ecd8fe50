// What a provisioner of a fleet has of etcd, opened as the appliance opens it.
import { join } from 'node:path'
import { pino, type Logger } from 'pino'
import type { Test } from 'tap'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { FleetCopy, type FleetCopyOptions } from '../../src/cluster/fleet-copy.js'
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

/** What a program gives up after seconds is waited for: how busy the machine is decides no test. */
const patientClock: Clock = { ...systemClock, after: (milliseconds, fire) => systemClock.after(milliseconds < 5000 ? milliseconds : 60_000, fire) }

/** Paths of the copies that are open. */
const open = new Set<string>()

/** Refuses a file that another has open: the lock of the state folder keeps two programs from it, and they would cut each other's lines off. */
class OnlyCopy extends FleetCopy {
  readonly #path: string

  constructor (options: FleetCopyOptions) {
    super(options)
    this.#path = options.path
    if (open.has(options.path)) throw new Error(`another has ${options.path} open: each has a folder of its own`)
    open.add(options.path)
  }

  override async close (): Promise<void> {
    await super.close()
    open.delete(this.#path)
  }
}

/** Started; closed in a teardown, or before. */
export async function openState (t: Test, cluster: EtcdCluster, { prefix = '/fleet/', folder, clock = patientClock, log = quiet, etcd, readOnly = false }: StateOptions = {}): Promise<SharedState> {
  const state = new SharedState({
    etcd: etcd ?? await cluster.client(),
    prefix,
    clock,
    log,
    readOnly,
    ...folder !== undefined && { copy: (current: () => Iterable<readonly [string, Buffer]>) => new OnlyCopy({ path: join(folder, 'fleet.jsonl'), clock, log, current }) }
  })
  try {
    await state.start()
  } catch (error) {
    await state.close()
    throw error
  }
  t.teardown(() => state.close())
  return state
}
