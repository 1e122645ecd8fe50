// The stores of several provisioners, in an etcd, by the suites that every store passes.
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { EtcdLeases } from '../../src/cluster/etcd-leases.js'
import { EtcdMachines } from '../../src/cluster/etcd-machines.js'
import type { SharedState } from '../../src/cluster/shared-state.js'
import type { Disposal, LeaseStore, Proposal } from '../../src/dhcp/lease-store.js'
import type { Lease } from '../../src/dhcp/leases.js'
import { MachineJournal, type MachineStore } from '../../src/machines/journal.js'
import type { Machine } from '../../src/machines/machine.js'
import type { Noted } from '../../src/machines/registry.js'
import { subnetOf } from '../../src/net/ipv4.js'
import type { Mac } from '../../src/net/mac.js'
import { openEtcdStore } from '../../src/store/etcd-store.js'
import { leaseStoreConformance, machineStoreConformance, storeConformance } from '../helpers/conformance.js'
import { startEtcd } from '../helpers/etcd.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { openState } from '../helpers/shared-state.js'
import { needs } from '../helpers/tools.js'

const log = pino({ level: 'silent' })

t.test('etcd', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)
  let fleets = 0
  await storeConformance(t, async t => {
    const state = await openState(t, etcd, { prefix: `/fleet${fleets++}/` })
    const store = openEtcdStore({ state, tombstoneMs: 0, clock: new FakeClock(), log })
    t.teardown(() => store.close())
    return store
  })
})

t.test('leases in etcd', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)
  await leaseStoreConformance(t, t => new RestartedLeases(() => openState(t, etcd)))
})

/** Opens its state when it loads. */
class RestartedLeases implements LeaseStore {
  #leases: EtcdLeases | undefined
  #state: SharedState | undefined
  readonly #open: () => Promise<SharedState>

  constructor (open: () => Promise<SharedState>) { this.#open = open }

  async load (now: number): Promise<readonly Lease[]> {
    this.#state = await this.#open()
    this.#leases = new EtcdLeases({ subnets: [subnetOf(0, 0)], state: this.#state, server: 'p1', log, onLease: () => {}, now: () => now, grace: 0 })
    return await this.#leases.load(now)
  }

  propose (proposal: Proposal): Promise<Disposal> { return this.#leases!.propose(proposal) }

  async close (): Promise<void> {
    await this.#leases?.close()
    await this.#state?.close()
  }
}

t.test('machines in etcd', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)
  let files = 0
  await machineStoreConformance(t, t => new RestartedMachines(() => openState(t, etcd), join(t.testdir(), `machines${files++}.jsonl`)))
})

/** Opens its state when it loads; its own file is another one each time, so that what is there comes from etcd. */
class RestartedMachines implements MachineStore {
  #machines: EtcdMachines | undefined
  #state: SharedState | undefined
  readonly #open: () => Promise<SharedState>
  readonly #path: string

  constructor (open: () => Promise<SharedState>, path: string) { [this.#open, this.#path] = [open, path] }

  load = async (): Promise<readonly Machine[]> => {
    const state = this.#state = await this.#open()
    const clock = new FakeClock()
    const own = new MachineJournal({ path: this.#path, clock, log, current: () => [] })
    this.#machines = new EtcdMachines({ state, own, clock, log, onMachine: () => {}, onForgotten: () => {} })
    return await this.#machines.load()
  }

  note = (machine: Machine, how: Noted): void => { this.#machines!.note(machine, how) }
  kept = async (mac: Mac): Promise<void> => { await this.#machines!.kept(mac) }
  close = async (): Promise<void> => {
    await this.#machines?.close()
    await this.#state?.close()
  }
}
