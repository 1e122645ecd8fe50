// Leases and machines of provisioners on a played etcd, where news is late, changes come by the hundred, and others are always first.
import t from 'tap'
import { EtcdLeases } from '../../src/cluster/etcd-leases.js'
import { EtcdMachines } from '../../src/cluster/etcd-machines.js'
import { leaseKey } from '../../src/cluster/known-leases.js'
import { leaseGrace } from '../../src/cluster/lease-grace.js'
import type { Lease } from '../../src/dhcp/leases.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { longestText, recordLimits } from '../../src/machines/timeline.js'
import { ip, mac, subnet } from '../helpers/dhcp.js'
import { PlayedFleet, type Sharing } from '../helpers/fleet/played-fleet.js'

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

t.test('who hears late of a lease gives the machine no second one', async t => {
  for (const state of ['bound', 'offered'] as const) {
    const fleet = new PlayedFleet(t)
    const one = await leasesOf(await fleet.share(), 'p1')
    let lateness = 0
    const two = await leasesOf(await fleet.share({ lateness: () => lateness }), 'p2')
    const { now } = fleet.time
    await fleet.meanwhile(two.propose({ lease: lease(now, 9), now }))
    lateness = 60_000
    t.match(await fleet.meanwhile(one.propose({ lease: lease(now, 1), now })), { kind: 'kept' })
    t.match(await fleet.meanwhile(two.propose({ lease: lease(now, 2, 1, { state }), now })), { kind: 'refused', holder: { ip: ip(addressOf(1)), mac: macOf(1) } }, state)
    t.equal(fleet.kept(leaseKey(ip(addressOf(2)))), undefined)
  }
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

  const machines = new EtcdMachines({
    ...shared, own: { load: async () => [], note: () => {}, kept: async () => {}, close: async () => {} }, onMachine: () => {}, onForgotten: () => {}
  })
  const registry = new MachineRegistry(await machines.load(), {
    note: (machine, how) => { machines.note(machine, how) },
    kept: which => machines.kept(which),
    kindOf: () => 'known',
    limits: { known: recordLimits.shared, stranger: recordLimits.stranger }
  })
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
