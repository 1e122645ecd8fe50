// What provisioners keep beside groups, leases and machines, in files of one of them and in an etcd of several: the same suites over both.
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { localAddresses } from '../../src/net/interfaces.js'
import t, { type Test } from 'tap'
import { Discovery } from '../../src/cluster/discovery.js'
import { DiscoveryFile, type DiscoveryState, type DiscoveryStore } from '../../src/cluster/discovery-store.js'
import { EtcdDiscovery } from '../../src/cluster/etcd-discovery.js'
import { EtcdUpdates } from '../../src/cluster/etcd-updates.js'
import { GuardUses } from '../../src/cluster/guard-uses.js'
import type { SharedState } from '../../src/cluster/shared-state.js'
import { loadConfig, type LoadedConfig } from '../../src/config/load.js'
import { LeaseTable } from '../../src/dhcp/leases.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { createProvisioner } from '../../src/matchbox/provisioner.js'
import type { OpenStore } from '../../src/matchbox/store.js'
import { openEtcdStore } from '../../src/store/etcd-store.js'
import { openFileStore } from '../../src/store/file-store.js'
import { Reboots } from '../../src/updates/reboots.js'
import { UpdateFile, type UpdateState, type UpdateStore } from '../../src/updates/update-store.js'
import { createEnrolment } from '../../src/wiring/enrolment.js'
import { openGuard } from '../../src/wiring/guard.js'
import { homesOf } from '../../src/wiring/homes.js'
import { type EtcdCluster, startEtcd } from '../helpers/etcd.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { makeProfile } from '../helpers/memory-store.js'
import {
  card, discoveryConformance, type EnrolmentSite, enrolmentConformance, guardConformance, updateConformance, type UpdateSite
} from '../helpers/shared-conformance.js'
import { openState } from '../helpers/shared-state.js'
import { needs } from '../helpers/tools.js'
import { group, UpdateBench } from '../helpers/update-store.js'

const log = pino({ level: 'silent' })

/** Three that share an etcd are what a fleet has; two are at once what three are. */
const sharing = 2

let fleets = 0
/** Opens what provisioners of a new fleet have of etcd. */
const fleet = (t: Test, etcd: EtcdCluster): (() => Promise<SharedState>) => {
  const prefix = `/fleet${fleets++}/`
  return () => openState(t, etcd, { prefix })
}

async function updateSite (t: Test, storeOver: (current: () => UpdateState) => UpdateStore): Promise<UpdateSite> {
  let current = (): UpdateState => ({ instances: new Map(), groups: new Map(), holders: new Map() })
  const store = storeOver(() => current())
  t.teardown(() => store.close())
  const before = await store.load()
  const bench = new UpdateBench([group({ maxPerPeriod: 4 })], ['2.0.0'], {}, { store, before })
  t.teardown(() => { bench.updates.close() })
  const reboots = new Reboots({
    groups: [{ name: 'workers', slots: 3, staleAfter: undefined, window: undefined }], store, before: before.holders, macOf: () => undefined, clock: bench.clock
  })
  current = () => ({ ...bench.updates.state, holders: reboots.holders })
  return { store, bench, reboots }
}

async function discoveryOver (t: Test, clock: FakeClock, storeOver: (current: () => DiscoveryState) => DiscoveryStore): Promise<Discovery> {
  let current = (): DiscoveryState => ({ index: 0, tokens: new Map() })
  const store = storeOver(() => current())
  t.teardown(() => store.close())
  const discovery = new Discovery({
    store, before: await store.load(), clock, makeToken: () => randomBytes(16).toString('hex'), macOf: () => undefined, onEvent: () => {}
  })
  current = () => discovery.state
  return discovery
}

const configured = (state: string, ...set: readonly string[]): LoadedConfig =>
  loadConfig({ file: undefined, defaultFile: '/nowhere', env: {}, set: [`state_path=${state}`, ...set] })

function enrolmentOver (loaded: LoadedConfig, store: OpenStore): EnrolmentSite {
  const enrolment = createEnrolment({
    ground: { loaded, config: loaded.config, clock: new FakeClock(), log, store, homes: homesOf(loaded.config) },
    leases: { table: new LeaseTable() } as never,
    registry: new MachineRegistry([], { note: () => {} }),
    provisioner: createProvisioner({ store }),
    addressClaims: { hear: () => undefined, isAddressOf: (machine, address) => Array.from({ length: 32 }, (_, n) => n).some(n => machine === card(n) && address === `10.0.1.${n}`) },
    onEnrolled: () => {}
  })
  return { store, enrolment }
}

async function putProfiles (store: OpenStore): Promise<OpenStore> {
  for (const id of ['core', 'default']) await store.putProfile(makeProfile({ id, boot: { kernel: '/k', initrd: [], args: [], resilient: false } }))
  return store
}

const enrolmentRules = ['enrolment.profiles=[{profile: core, quantity: 3}, {profile: default}]', 'enrolment.range=10.0.0.21-10.0.0.28', 'enrolment.hostname=n-{n}']

t.test('in files of one', async t => {
  await t.test('updates and reboots', t => updateConformance(t, t => {
    const path = join(t.testdir(), 'updates.jsonl')
    return { atOnce: 1, open: () => updateSite(t, current => new UpdateFile({ path, log, current })) }
  }))

  await t.test('guard tokens', t => guardConformance(t, t => {
    const [{ config }, clock] = [configured(t.testdir()), new FakeClock()]
    const ground = { config, homes: homesOf(config), ownAddresses: localAddresses, log }
    return { atOnce: 1, clock, open: () => openGuard({ ground, isAddressOf: () => true, onClose: close => { t.teardown(close) }, now: clock.now }) }
  }))

  await t.test('members of new etcd clusters', t => discoveryConformance(t, t => {
    const [path, clock] = [join(t.testdir(), 'discovery.jsonl'), new FakeClock()]
    return { atOnce: 1, clock, open: () => discoveryOver(t, clock, current => new DiscoveryFile({ path, log, current })) }
  }))

  await t.test('enrolment', t => enrolmentConformance(t, t => {
    const folder = t.testdir({ state: {} })
    const dataPath = join(folder, 'data')
    const loaded = configured(join(folder, 'state'), `data_path=${dataPath}`, ...enrolmentRules)
    mkdirSync(dataPath)
    const open = async (): Promise<EnrolmentSite> => {
      const store = await openFileStore({ dataPath, tombstoneMs: 0, clock: new FakeClock(), log, watch: false })
      t.teardown(() => store.close())
      return enrolmentOver(loaded, await putProfiles(store))
    }
    return { atOnce: 1, open }
  }))
})

t.test('in an etcd of several', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)

  await t.test('updates and reboots', t => updateConformance(t, t => {
    const one = fleet(t, etcd)
    return {
      atOnce: sharing,
      open: async () => {
        const state = await one()
        return await updateSite(t, () => new EtcdUpdates({ state, log }))
      }
    }
  }))

  await t.test('guard tokens', t => guardConformance(t, t => {
    const [one, clock, { config }] = [fleet(t, etcd), new FakeClock(), configured(t.testdir())]
    const open = async () => {
      const uses = new GuardUses({ state: await one(), clock })
      t.teardown(() => { uses.close() })
      await uses.open()
      const ground = { config, homes: homesOf(config), ownAddresses: localAddresses, log, cluster: { openGuard: async () => uses } as never }
      return await openGuard({ ground, isAddressOf: () => true, onClose: () => {} })
    }
    return { atOnce: sharing, clock, open }
  }))

  await t.test('members of new etcd clusters', t => discoveryConformance(t, t => {
    const [one, clock] = [fleet(t, etcd), new FakeClock()]
    return {
      atOnce: sharing,
      clock,
      open: async () => {
        const state = await one()
        return await discoveryOver(t, clock, () => new EtcdDiscovery({ state, log }))
      }
    }
  }))

  await t.test('enrolment', t => enrolmentConformance(t, t => {
    const [one, loaded] = [fleet(t, etcd), configured(t.testdir(), ...enrolmentRules)]
    const open = async (): Promise<EnrolmentSite> => {
      const store = openEtcdStore({ state: await one(), tombstoneMs: 0, clock: new FakeClock(), log })
      t.teardown(() => store.close())
      return enrolmentOver(loaded, await putProfiles(store))
    }
    return { atOnce: sharing, open }
  }))
})
