// Leases, machines and groups of provisioners on a played etcd, where news is late, changes come by the hundred, and others are always first.
import t, { type Test } from 'tap'
import { EtcdLeases } from '../../src/cluster/etcd-leases.js'
import { EtcdMachines } from '../../src/cluster/etcd-machines.js'
import { leaseKey } from '../../src/cluster/known-leases.js'
import { leaseGrace } from '../../src/cluster/lease-grace.js'
import type { Lease } from '../../src/dhcp/leases.js'
import type { Machine, Stage } from '../../src/machines/machine.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { longestText, recordLimits } from '../../src/machines/timeline.js'
import { openEtcdStore } from '../../src/store/etcd-store.js'
import { ip, mac, subnet } from '../helpers/dhcp.js'
import { PlayedFleet, type Sharing } from '../helpers/fleet/played-fleet.js'
import { makeGroup } from '../helpers/memory-store.js'

const hour = 3_600_000
const leasesOf = async ({ state, log, clock }: Sharing, server: string): Promise<EtcdLeases> => {
  const leases = new EtcdLeases({ state, log, server, subnets: [subnet('10.0.0.0/16').subnet], onLease: () => {}, now: () => clock.now(), grace: leaseGrace })
  await leases.load(clock.now())
  return leases
}
const addressOf = (n: number): string => `10.0.${n >> 8}.${n & 255}`
const lease = (now: number, n: number, machine = n, more: Partial<Lease> = {}): Lease =>
  ({ ip: ip(addressOf(n)), mac: macOf(machine), state: 'bound', since: now, expires: now + hour, ...more })
const macOf = (n: number): Lease['mac'] => mac(`52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`)

/** As wiring/machines opens it, without a file of its own. */
async function machinesOf (shared: Sharing, before: readonly Machine[] = []): Promise<{ readonly registry: MachineRegistry, readonly shared: Sharing }> {
  const holder: { registry?: MachineRegistry } = {}
  const own = { load: async () => before, note: () => {}, kept: async () => {}, close: async () => {} }
  const machines = new EtcdMachines({ ...shared, own, onMachine: machine => { holder.registry?.take(machine) }, onForgotten: gone => { holder.registry?.forget(gone) } })
  const registry = holder.registry = new MachineRegistry(await machines.load(), {
    note: (machine, how) => { machines.note(machine, how) },
    kept: which => machines.kept(which),
    kindOf: () => 'known',
    limits: { known: recordLimits.shared, stranger: recordLimits.stranger }
  })
  machines.shareKept(which => registry.kindOf(which) !== 'stranger')
  return { registry, shared }
}

/** Two that share leases, of which the second hears a minute late what the first does. */
async function oneAheadOfTheOther (t: Test): Promise<{ readonly fleet: PlayedFleet, readonly one: EtcdLeases, readonly two: EtcdLeases, readonly now: number }> {
  const fleet = new PlayedFleet(t)
  const one = await leasesOf(await fleet.share(), 'p1')
  let lateness = 0
  const two = await leasesOf(await fleet.share({ lateness: () => lateness }), 'p2')
  const { now } = fleet.time
  await fleet.meanwhile(two.propose({ lease: lease(now, 9), now }))
  lateness = 60_000
  return { fleet, one, two, now }
}

t.test('who hears late of a lease gives the machine no second one', async t => {
  for (const state of ['bound', 'offered'] as const) {
    const { fleet, one, two, now } = await oneAheadOfTheOther(t)
    t.match(await fleet.meanwhile(one.propose({ lease: lease(now, 1), now })), { kind: 'kept' })
    t.match(await fleet.meanwhile(two.propose({ lease: lease(now, 2, 1, { state }), now })), { kind: 'refused', holder: { ip: ip(addressOf(1)), mac: macOf(1) } }, state)
    t.equal(fleet.kept(leaseKey(ip(addressOf(2)))), undefined)
  }
})

t.test('the key of the machine that had an address before goes, whoever has heard of it', async t => {
  const { fleet, one, two, now } = await oneAheadOfTheOther(t)
  const offer = (machine: number, at: number): Lease => lease(now, 1, machine, { state: 'offered', since: at, expires: at + 60_000 })
  t.match(await fleet.meanwhile(one.propose({ lease: offer(1, now), now })), { kind: 'kept' })
  t.match(await fleet.meanwhile(two.propose({ lease: offer(2, now + 60_000), now: now + 60_000 })), { kind: 'kept' })
  const keyOf = (machine: number): string | undefined => fleet.kept(`bindings/10.0.0.0-16/${macOf(machine)}`)?.value.toString()
  t.same([keyOf(1), keyOf(2)], [undefined, addressOf(1)])
  // A machine that has gone on to another address keeps the key that leads there.
  t.match(await fleet.meanwhile(two.propose({ lease: lease(now, 3, 2, { since: now + 61_000 }), now: now + 61_000 })), { kind: 'kept' })
  t.match(await fleet.meanwhile(one.propose({ lease: offer(4, now + 120_000), now: now + 120_000 })), { kind: 'kept' })
  t.same([keyOf(2), keyOf(4)], [addressOf(3), addressOf(1)])
})

t.test('a machine that goes round and round while etcd is away was installed all the same', async t => {
  const fleet = new PlayedFleet(t)
  let isThere = true
  const { registry, shared } = await machinesOf(await fleet.share({ reaches: () => isThere }))
  const others = (await machinesOf(await fleet.share())).registry
  const { now } = fleet.time
  registry.record({ mac: macOf(1), stage: 'kernel', at: now })
  await fleet.wait(5000)
  isThere = false
  while (shared.state.standing.inStep) await fleet.wait(1000)
  registry.record({ mac: macOf(1), stage: 'installed', at: now + 2000, bootedAs: 'x' })
  for (let boot = 1; boot <= 200; boot++) registry.record({ mac: macOf(1), stage: 'discover', at: now + 2000 + boot, program: 'pxe', exchange: boot })
  // Another one saw it too, and wrote first.
  others.record({ mac: macOf(1), stage: 'ignition', at: now + 1000 })
  await fleet.wait(5000)
  isThere = true
  await fleet.wait(20_000)
  t.match(JSON.parse(fleet.kept(`machines/${macOf(1)}`)!.value.toString()), { machine: { installedAs: 'x', lastSeen: now + 2200 } })
  t.match(others.get(macOf(1)), { installedAs: 'x' })
})

t.test('what was seen while etcd was away and is in no copy is written after a restart', async t => {
  const fleet = new PlayedFleet(t)
  const { now } = fleet.time
  const other = (await machinesOf(await fleet.share())).registry
  let isThere = false
  // It was installed while etcd was away, and the program ended before etcd was back: only its own file has it.
  const kept: Machine = {
    mac: macOf(1), firstSeen: now, lastSeen: now + 2000, boots: 1, stage: 'installed', installedAs: 'x', timeline: [{ stage: 'installed', at: now + 2000 }]
  }
  const { registry } = await machinesOf(await fleet.share({ reaches: () => isThere }), [kept])
  other.record({ mac: macOf(1), stage: 'kernel', at: now + 1000 })
  await fleet.wait(5000)
  isThere = true
  await fleet.wait(20_000)
  for (const one of [registry, other]) t.match(one.get(macOf(1)), { installedAs: 'x' })
})

t.test('of what only one kept the named are written, the last seen first, as long as there is room', async t => {
  const fleet = new PlayedFleet(t)
  const { now } = fleet.time
  const kept = [1, 2, 3, 4].map((n): Machine => ({ mac: macOf(n), firstSeen: now, lastSeen: now + n, boots: 1, stage: 'installed', timeline: [] }))
  const own = { load: async () => kept, note: () => {}, kept: async () => {}, close: async () => {} }
  const shared = await fleet.share()
  const machines = new EtcdMachines({ ...shared, own, most: 2, onMachine: () => {}, onForgotten: () => {} })
  t.same(await machines.load(), kept, 'all of them are known here')
  machines.shareKept(which => which !== macOf(4))
  await fleet.wait(5000)
  t.same([1, 2, 3, 4].map(n => fleet.kept(`machines/${macOf(n)}`) !== undefined), [false, true, true, false])
})

t.test('late news of a machine takes nothing from what was written since', async t => {
  const fleet = new PlayedFleet(t)
  let lateness = 0
  const one = await machinesOf(await fleet.share({ lateness: () => lateness }))
  const other = await machinesOf(await fleet.share())
  const { now } = fleet.time
  const see = async ({ registry }: typeof one, stage: Stage, at: number): Promise<void> => {
    registry.record({ mac: macOf(1), stage, at: now + at })
    await fleet.meanwhile(registry.kept(macOf(1)))
  }
  const stagesOf = ({ registry }: typeof one): readonly Stage[] => registry.get(macOf(1))?.timeline.map(({ stage }) => stage) ?? []
  await see(one, 'loader', 0)
  await fleet.wait(2000)
  lateness = 10_000
  await see(other, 'script', 1)
  await see(one, 'kernel', 2)
  t.same(stagesOf(one), ['loader', 'script', 'kernel'])
  await fleet.wait(20_000)
  t.same([one, other].map(stagesOf), [['loader', 'script', 'kernel'], ['loader', 'script', 'kernel']])
  await see(one, 'ignition', 3)
  t.same(stagesOf(one), ['loader', 'script', 'kernel', 'ignition'])
  t.same(JSON.parse(fleet.kept(`machines/${macOf(1)}`)!.value.toString()).machine.timeline.map(({ stage }: { readonly stage: Stage }) => stage), stagesOf(one))

  // Another one had it give way, of which this one hears after it has written it anew.
  await fleet.wait(20_000)
  fleet.remove(`machines/${macOf(1)}`)
  await see(one, 'installed', 4)
  await fleet.wait(20_000)
  t.equal(one.registry.get(macOf(1))?.stage, 'installed')
  fleet.remove(`machines/${macOf(1)}`)
  await fleet.wait(20_000)
  t.same([one, other].map(({ registry }) => registry.get(macOf(1))), [undefined, undefined])
})

t.test('a store that is closed has written what it was given', async t => {
  const fleet = new PlayedFleet(t)
  const { state, clock, log } = await fleet.share()
  const store = openEtcdStore({ state, clock, log, tombstoneMs: 0 })
  const order: string[] = []
  const put = store.putGroup(makeGroup({ id: 'a' })).then(() => { order.push('put') })
  const closed = store.close().then(() => { order.push('closed') })
  await fleet.meanwhile(Promise.all([put, closed]))
  t.same(order, ['put', 'closed'])
  t.type(fleet.kept('groups/a'), 'object')
})

t.test('where others change a lease again and again it is tried five times', async t => {
  const fleet = new PlayedFleet(t)
  const shared = await fleet.share()
  const { now } = fleet.time
  let tries = 0
  // The machine renews with another provisioner just before each.
  const state = new Proxy(shared.state, {
    get: (target, name) => {
      const found: unknown = Reflect.get(target, name, target)
      if (typeof found !== 'function') return found
      if (name === 'transact') {
        fleet.put(leaseKey(ip(addressOf(1))), JSON.stringify({ ip: addressOf(1), mac: macOf(1), state: 'bound', since: now, expires: now + hour + tries++, server: 'p2' }))
      }
      return found.bind(target) as unknown
    }
  })
  const leases = await leasesOf({ ...shared, state }, 'p1')
  await t.rejects(fleet.meanwhile(leases.propose({ lease: lease(now, 1, 1, { expires: now + 2 * hour }), now })), { code: 'store_changed', message: /changed by others again and again/ })
  t.equal(tries, 5)
})

t.test('hundreds at once are all kept, in transactions that etcd takes', async t => {
  const fleet = new PlayedFleet(t)
  const shared = await fleet.share()
  const leases = await leasesOf(shared, 'p1')
  const { now } = fleet.time
  const disposals = await fleet.meanwhile(Promise.all(Array.from({ length: 400 }, (_, n) => leases.propose({ lease: lease(now, n), now }))))
  t.same(new Set(disposals.map(({ kind }) => kind)), new Set(['kept']))

  const { registry } = await machinesOf(shared)
  // Small ones, and such as are as large as they may be.
  for (const [first, steps, detail] of [[0, 1, 'x'], [1000, recordLimits.shared.timeline, '\u0001'.repeat(longestText - 3)]] as const) {
    for (let n = first; n < first + 400; n++) {
      for (let step = 0; step < steps; step++) registry.record({ mac: macOf(n), stage: 'ignition', at: now + step, detail: `${detail}${step}` })
    }
    await fleet.wait(20_000)
    const missed = Array.from({ length: 400 }, (_, n) => macOf(first + n)).filter(one => fleet.kept(`machines/${one}`) === undefined)
    t.same(missed, [], `${steps} steps each`)
  }
  t.notOk(shared.said.includes('machine.unshared'))
})
