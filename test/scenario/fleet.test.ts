// A fleet of three provisioners and its machines on a played network, clock and etcd, by seed: losses, delays, doubled messages, partitions, kills,
// stops, restarts, clocks that are off, compactions. No address is given to two machines, no machine is bound to two addresses, no holder is refused,
// nothing that was acknowledged is forgotten, and in the end everybody has an address. FLEET_SEEDS=FIRST[-LAST] runs others, and FLEET_TRACE=1 tells what happened.
import t from 'tap'
import type { LeaseStore } from '../../src/dhcp/lease-store.js'
import { inCiOrByHand } from '../helpers/how-many.js'
import { type FleetFault, type FleetResult, runFleet } from '../helpers/fleet/fleet.js'

const [first, last] = (process.env['FLEET_SEEDS'] ?? `1-${inCiOrByHand(1000, 100)}`).split('-').map(Number) as [number, number?]
t.setTimeout(900_000)

t.test('a thousand fleets, a hundred by hand', async t => {
  const broken: FleetResult[] = []
  const before = process.cpuUsage()
  for (let seed = first; seed <= (last ?? first); seed++) {
    const result = await runFleet(seed)
    if (result.broken.length > 0) broken.push(result)
    if (process.env['FLEET_TRACE'] !== undefined) t.comment(result.trace.join('\n'))
  }
  const { user, system } = process.cpuUsage(before)
  t.comment(`${((user + system) / 1e6).toFixed(1)} s of CPU`)
  for (const { seed, broken: words } of broken.slice(0, 10)) t.fail(`FLEET_SEEDS=${seed}: ${words.join('; ')}`)
  t.equal(broken.length, 0, `of ${(last ?? first) - first + 1} seeds`)
})

t.test('a seed repeats to the letter', async t => {
  for (const seed of [5, 7]) {
    const [one, again] = [await runFleet(seed), await runFleet(seed)]
    t.same(again.trace, one.trace)
    t.ok(one.trace.length > 100)
  }
  t.notSame((await runFleet(6)).trace, (await runFleet(7)).trace)
})

/** As the real one, but for what is given. */
const leasesWith = (other: (store: LeaseStore) => Partial<LeaseStore>) => (store: LeaseStore): LeaseStore => ({
  load: now => store.load(now),
  propose: proposal => store.propose(proposal),
  promisedUntil: (ip, mac, now, reserved) => store.promisedUntil!(ip, mac, now, reserved),
  settle: ip => store.settle!(ip),
  close: () => store.close(),
  ...other(store)
})

const mutants: Readonly<Record<string, FleetFault>> = {
  'transactions that compare nothing': { ignoresComparisons: true },
  'an ACK that does not wait for etcd': {
    leases: leasesWith(store => ({
      propose: async proposal => {
        store.propose(proposal).catch(() => {})
        return { kind: 'kept' }
      }
    }))
  },
  'no grace after the end of a lease, while clocks are off': { grace: 0 },
  'what etcd away may promise, to anybody': {
    leases: leasesWith(store => ({
      promisedUntil: (ip, mac, now, reserved) => store.promisedUntil!(ip, mac, now, reserved) === undefined ? undefined : now + 600_000,
      propose: async proposal => await store.propose(proposal).catch(() => ({ kind: 'kept' as const }))
    }))
  }
}

for (const [name, fault] of Object.entries(mutants)) {
  t.test(`found: ${name}`, async t => {
    let found: FleetResult | undefined
    for (let seed = 5; seed <= 500 && found === undefined; seed += 5) {
      const result = await runFleet(seed, fault)
      if (result.broken.length > 0) found = result
    }
    t.ok(found, 'a fleet with a broken protocol is seen to be broken')
    if (found === undefined) return
    t.comment(`seed ${found.seed}: ${found.broken[0] ?? ''}`)
    t.same((await runFleet(found.seed, fault)).broken, found.broken, 'and again by the same seed')
  })
}
