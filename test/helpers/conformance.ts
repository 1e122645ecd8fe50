// What every store has to keep, whatever stands behind it: groups and profiles, leases, what was seen of machines. A new kind of
// store passes these before anything stands on it.
import type { Test } from 'tap'
import type { Lease } from '../../src/dhcp/leases.js'
import type { LeaseStore } from '../../src/dhcp/lease-store.js'
import type { MachineStore } from '../../src/machines/journal.js'
import type { Machine } from '../../src/machines/machine.js'
import type { Noted } from '../../src/machines/registry.js'
import type { Store } from '../../src/matchbox/store.js'
import { parseIpv4 } from '../../src/net/ipv4.js'
import { parseMac } from '../../src/net/mac.js'
import { makeGroup, makeProfile } from './memory-store.js'

/** `open` gives an empty store, and closes it in a teardown. */
export async function storeConformance (t: Test, open: (t: Test) => Promise<Store>): Promise<void> {
  await t.test('what a put returned from is in the snapshot, and one that was taken before stays as it was', async t => {
    const store = await open(t)
    const before = store.snapshot
    await store.putGroup(makeGroup({ id: 'a', selector: { mac: '52-54-00-AA-BB-01' }, metadata: { ip: '10.0.0.1' } }))
    await store.putProfile(makeProfile({ id: 'p', boot: { kernel: '/k', initrd: ['/i'], args: ['a b'], resilient: true } }))
    for (const kind of ['ignition', 'cloud', 'generic'] as const) await store.putConfig(kind, `${kind}.x`, Buffer.from([0, 255]))
    t.match(store.snapshot.groups.get('a'), { id: 'a', profile: 'p', selector: new Map([['mac', '52-54-00-AA-BB-01']]), metadata: new Map([['ip', '10.0.0.1']]) })
    t.same(store.snapshot.profiles.get('p')?.boot, { kernel: '/k', initrd: ['/i'], args: ['a b'], resilient: true })
    for (const kind of ['ignition', 'cloud', 'generic'] as const) t.same(store.snapshot.configs[kind].get(`${kind}.x`)?.content, Buffer.from([0, 255]))
    t.equal(store.snapshot.forMachines.groups.get('a')?.profile, 'p')
    t.equal(before.groups.size + before.profiles.size, 0)
    t.same(store.problems().filter(({ name }) => name !== undefined), [])
  })

  await t.test('puts of one object keep their order; deleting what is not there is fine', async t => {
    const store = await open(t)
    await Promise.all(['p1', 'p2', 'p3'].map(profile => store.putGroup(makeGroup({ id: 'a', profile }))))
    t.equal(store.snapshot.groups.get('a')?.profile, 'p3')
    for (let times = 0; times < 2; times++) {
      await store.deleteGroup('a')
      await store.deleteProfile('p')
      await store.deleteConfig('generic', 'x')
    }
    t.equal(store.snapshot.groups.size, 0)
  })

  await t.test('changes are told once each, until somebody stops listening', async t => {
    const store = await open(t)
    const told: string[] = []
    const stop = store.onChange(changes => { for (const { what, kind, name } of changes) told.push(`${what} ${kind} ${name}`) })
    await store.putGroup(makeGroup({ id: 'a' }))
    await store.putConfig('ignition', 'x', Buffer.from('1'))
    await store.deleteGroup('a')
    stop()
    await store.deleteConfig('ignition', 'x')
    t.same(told, ['put group a', 'put ignition x', 'deleted group a'])
  })

  await t.test('a name that is not one safe path component is refused', async t => {
    const store = await open(t)
    for (const id of ['', '.', '..', 'a/b', '../x', 'a\0']) {
      await t.rejects(store.putGroup(makeGroup({ id })), { code: 'id_invalid' }, JSON.stringify(id))
      await t.rejects(store.putConfig('generic', id, Buffer.alloc(0)), { code: 'id_invalid' })
      await t.rejects(store.deleteProfile(id), { code: 'id_invalid' })
    }
    t.equal(store.snapshot.groups.size, 0)
  })
}

const lease = (last: number, more: Partial<Lease> = {}): Lease =>
  ({ ip: parseIpv4(`10.0.0.${last}`)!, mac: parseMac(`52:54:00:00:00:0${last}`)!, state: 'bound', since: 1000, expires: 2000, ...more })

/** `open` gives the store at one place again and again, as after a restart. */
export async function leaseStoreConformance (t: Test, open: (t: Test, current: () => Iterable<Lease>) => LeaseStore): Promise<void> {
  const now = 1500
  /** Has a store keep leases; what each proposal led to. */
  const propose = (store: LeaseStore, ...leases: readonly Lease[]): Promise<string[]> =>
    Promise.all(leases.map(async lease => (await store.propose({ lease, now })).kind))
  const keptAfterRestart = async (t: Test, at = now): Promise<Lease[]> => {
    const store = open(t, () => [])
    const found = new Map((await store.load(at)).map(one => [one.ip, one]))
    await store.close()
    return [...found.values()].sort((a, b) => a.ip - b.ip)
  }

  await t.test('what was kept is there after a restart; of one address the last counts', async t => {
    const store = open(t, () => [])
    t.same(await store.load(now), [])
    const [first, second, third] = [lease(1), lease(2, { state: 'declined', declines: 2 }), lease(1, { expires: 9000, hostName: 'a' })]
    t.same(await propose(store, first, second, third), ['kept', 'kept', 'kept'])
    await store.close()
    t.same(await keptAfterRestart(t), [third, second])
  })

  await t.test('one address, one machine', async t => {
    const store = open(t, () => [])
    await store.load(now)
    const [mine, theirs] = [lease(3), lease(3, { mac: parseMac('52:54:00:00:00:99')! })]
    t.same((await propose(store, mine, theirs)), ['kept', 'refused'], 'of two at once the first')
    t.match(await store.propose({ lease: theirs, now }), { kind: 'refused', holder: mine })
    t.same(await propose(store, lease(3, { state: 'declined', mac: theirs.mac })), ['refused'], 'nor is it set aside by who does not hold it')
    t.same(await propose(store, lease(3, { expires: 3000 })), ['kept'], 'its holder renews')
    t.match(await store.propose({ lease: theirs, now: 2500 }), { kind: 'refused' })
    await store.close()
    t.match(await keptAfterRestart(t), [{}, {}, { mac: mine.mac, expires: 3000 }], 'what was refused is nowhere')
  })

  await t.test('what was kept before a restart is held after it, until it is over, given back or reserved', async t => {
    const store = open(t, () => [])
    await store.load(now)
    const theirs = lease(3, { mac: parseMac('52:54:00:00:00:99')!, since: 3500, expires: 5000 })
    t.match(await store.propose({ lease: theirs, now: 2999 }), { kind: 'refused', holder: { expires: 3000 } })
    t.match(await store.propose({ lease: theirs, now: 3500 }), { kind: 'kept' }, 'over')
    t.match(await store.propose({ lease: lease(3, { state: 'released' }), now: 3600 }), { kind: 'refused' }, 'nor is it given back by who had it before')
    t.match(await store.propose({ lease: { ...theirs, state: 'released' }, now: 3600 }), { kind: 'kept' })
    t.match(await store.propose({ lease: lease(3), now: 1600 }), { kind: 'kept' }, 'given back')
    t.match(await store.propose({ lease: theirs, now: 1600 }), { kind: 'refused' })
    t.match(await store.propose({ lease: theirs, now: 1600, reserved: true }), { kind: 'kept' }, 'reserved')
    await store.close()
    t.match(await keptAfterRestart(t, 3700), [{}, {}, { mac: theirs.mac, state: 'bound' }])
  })

  await t.test('a lease from a clock that was ahead lasts as long as it was to last', async t => {
    const store = open(t, () => [])
    await store.load(now)
    t.same(await propose(store, lease(4, { since: 1_000_000, expires: 1_000_500 })), ['kept'])
    await store.close()
    const again = open(t, () => [])
    t.match((await again.load(now)).at(-1), { since: now, expires: now + 500 })
    t.match(await again.propose({ lease: lease(4, { mac: parseMac('52:54:00:00:00:98')! }), now: now + 501 }), { kind: 'kept' })
    await again.close()
  })

  await t.test('once closed it promises nothing', async t => {
    const store = open(t, () => [])
    await store.load(now)
    await store.close()
    await t.rejects(store.propose({ lease: lease(5), now }))
  })
}

const machine = (last: number, boots: number): Machine => ({
  mac: parseMac(`52:54:00:00:00:0${last}`)!, firstSeen: 1, lastSeen: 2, boots, stage: 'discover', timeline: [{ stage: 'discover', at: 1, last: 1, times: 1 }]
} as unknown as Machine)

/** The same for what was seen of machines. */
export async function machineStoreConformance (t: Test, open: (t: Test, current: () => Iterable<Machine>) => MachineStore): Promise<void> {
  await t.test('what was noted is there after a restart, in the order in which it was last seen', async t => {
    const first = open(t, () => [])
    t.same(await first.load(), [])
    for (const one of [machine(1, 1), machine(2, 1), machine(1, 2)]) first.note(one, seen(one))
    await first.close()
    const second = open(t, () => [])
    t.same((await second.load()).map(({ mac, boots }) => `${mac} ${boots}`).sort(), ['52:54:00:00:00:01 2', '52:54:00:00:00:02 1'])
    await second.close()
  })

  await t.test('what is kept survives whoever kept it', async t => {
    const store = open(t, () => [])
    await store.load()
    store.note(machine(3, 7), seen(machine(3, 7)))
    await store.kept(machine(3, 7).mac)
    const again = open(t, () => [])
    t.match((await again.load()).find(({ mac }) => mac === machine(3, 7).mac), { boots: 7 }, 'before it was closed')
    await again.kept(machine(3, 7).mac)
    await Promise.all([again.close(), store.close()])
  })
}

const seen = (machine: Machine): Noted => ({ step: { make: () => machine }, isNews: true, isNamed: true })
