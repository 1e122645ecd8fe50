// Leases of two provisioners in one etcd.
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { EtcdLeases } from '../../src/cluster/etcd-leases.js'
import { leaseGrace, shortPromise } from '../../src/cluster/lease-grace.js'
import type { SharedState } from '../../src/cluster/shared-state.js'
import type { Disposal } from '../../src/dhcp/lease-store.js'
import { type Lease, LeaseTable } from '../../src/dhcp/leases.js'
import { ip, mac, subnet } from '../helpers/dhcp.js'
import { type EtcdCluster, startEtcd } from '../helpers/etcd.js'
import { until } from '../helpers/until.js'
import { openState } from '../helpers/shared-state.js'
import { needs } from '../helpers/tools.js'

const now = 1_700_000_000_000
const hour = 3_600_000
const lease = (last: number, machine: number, more: Partial<Lease> = {}): Lease =>
  ({ ip: ip(`10.0.0.${last}`), mac: mac(`52:54:00:00:00:${String(machine).padStart(2, '0')}`), state: 'bound', since: now, expires: now + hour, ...more })

/** As the DHCP server does. */
async function keep ({ leases, table }: Server, proposed: Lease): Promise<Disposal> {
  const disposal = await leases.propose({ lease: proposed, now })
  table.set(disposal.kind === 'kept' ? proposed : disposal.holder)
  return disposal
}

interface Server { readonly leases: EtcdLeases, readonly state: SharedState, readonly table: LeaseTable }

async function server (t: Test, cluster: EtcdCluster, name: string): Promise<Server> {
  const state = await openState(t, cluster)
  const table = new LeaseTable({ grace: leaseGrace })
  const leases = new EtcdLeases({
    state, subnets: [subnet('10.0.0.0/24').subnet], server: name, now: () => now, onLease: one => { table.set(one) }, log: pino({ level: 'silent' })
  })
  t.teardown(() => leases.close())
  for (const one of await leases.load(now)) table.set(one)
  return { leases, state, table }
}

t.test('of two servers that give one address at once one does, a hundred at once', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)
  const [a, b] = [await server(t, etcd, 'a'), await server(t, etcd, 'b')]
  const results = await Promise.all(Array.from({ length: 200 }, (_, n) => n % 100).flatMap((last, n) =>
    [keep(n < 100 ? a : b, lease(last, last, n < 100 ? {} : { mac: mac(`52:54:00:00:01:${String(last).padStart(2, '0')}`) }))]))
  for (let last = 0; last < 100; last++) {
    const kept = [results[last]!, results[last + 100]!].filter(({ kind }) => kind === 'kept')
    t.equal(kept.length, 1, `10.0.0.${last}`)
  }
  await until('both know all', () => a.table.size === 100 && b.table.size === 100)
  for (let last = 0; last < 100; last++) t.same(a.table.get(ip(`10.0.0.${last}`))?.mac, b.table.get(ip(`10.0.0.${last}`))?.mac)
})

t.test('a holder renews with any of them; an expired address is another machine\'s only after the grace', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)
  const [a, b] = [await server(t, etcd, 'a'), await server(t, etcd, 'b')]
  t.match(await a.leases.propose({ lease: lease(1, 1), now }), { kind: 'kept' })
  t.match(await b.leases.propose({ lease: lease(1, 1, { expires: now + 2 * hour }), now }), { kind: 'kept' })
  t.match(await a.leases.propose({ lease: lease(1, 1, { expires: now + 3 * hour }), now }), { kind: 'kept' }, 'what another wrote meanwhile is no hindrance to its holder')
  t.match(await b.leases.propose({ lease: lease(1, 1, { expires: now + hour }), now }), { kind: 'kept' }, 'by a clock that is behind')
  const end = now + 3 * hour
  t.match(await b.leases.propose({ lease: lease(1, 2, { expires: end + hour }), now: end + leaseGrace - 1 }), { kind: 'refused', holder: { mac: lease(1, 1).mac } })
  t.match(await b.leases.propose({ lease: lease(1, 2, { expires: end + 2 * hour }), now: end + leaseGrace }), { kind: 'kept' })
})

t.test('a machine that two servers answer at once has one address', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)
  const [a, b] = [await server(t, etcd, 'a'), await server(t, etcd, 'b')]
  const offer = (last: number, machine: number): Lease => lease(last, machine, { state: 'offered', expires: now + 60_000 })
  const both = await Promise.all(Array.from({ length: 50 }, async (_, n) =>
    await Promise.all([a.leases.propose({ lease: offer(n, n), now }), b.leases.propose({ lease: offer(100 + n, n), now })])))
  for (const [n, disposals] of both.entries()) {
    const [mine, theirs] = disposals
    const [kept, refused] = mine.kind === 'kept' ? [n, theirs] : [100 + n, mine]
    t.match(refused, { kind: 'refused', holder: { mac: lease(0, n).mac, ip: ip(`10.0.0.${kept}`), state: 'offered' } }, `machine ${n}`)
  }
  // Bound by one, of which the other has not heard when it decides.
  const bound = await Promise.all([a.leases.propose({ lease: lease(200, 60), now }), b.leases.propose({ lease: lease(201, 60), now })])
  t.same(bound.map(({ kind }) => kind).sort(), ['kept', 'refused'])
  const [has, other] = bound[0].kind === 'kept' ? [200, 201] : [201, 200]
  await until('both know', () => [a, b].every(({ state }) => state.get('bindings/10.0.0.0-24/52:54:00:00:00:60')?.value.toString() === `10.0.0.${has}`))
  t.match(await a.leases.propose({ lease: offer(other, 60), now }), { kind: 'kept' }, 'who knows of it may offer another')
  t.equal((await b.state.read('bindings/10.0.0.0-24/52:54:00:00:00:60'))?.value.toString(), `10.0.0.${has}`)
  t.match(await b.leases.propose({ lease: lease(other, 60), now }), { kind: 'refused', holder: { ip: ip(`10.0.0.${has}`) } }, 'but what is bound has to be given back first')
  t.match(await b.leases.propose({ lease: lease(has, 60, { state: 'released', expires: now }), now }), { kind: 'kept' })
  t.match(await b.leases.propose({ lease: lease(other, 60), now }), { kind: 'kept' })
  // Both know of the offer, and one does not hear that it was taken.
  t.match(await a.leases.propose({ lease: offer(210, 61), now }), { kind: 'kept' })
  await until('both know of it', () => b.table.get(ip('10.0.0.210')) !== undefined && b.state.get('bindings/10.0.0.0-24/52:54:00:00:00:61') !== undefined)
  const taken = await Promise.all([a.leases.propose({ lease: lease(210, 61), now }), b.leases.propose({ lease: lease(211, 61), now })])
  t.same(taken.map(({ kind }) => kind).sort(), ['kept', 'refused'])
  t.match(await a.leases.propose({ lease: lease(has, 60, { ip: ip('10.0.1.1') }), now }), { kind: 'kept' }, 'another network is another matter')
})

t.test('a machine\'s key goes with its lease', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)
  const [a, b] = [await server(t, etcd, 'a'), await server(t, etcd, 'b')]
  const keyOf = async (machine: number): Promise<string | undefined> =>
    (await a.state.read(`bindings/10.0.0.0-24/52:54:00:00:00:${String(machine).padStart(2, '0')}`))?.value.toString()
  // A stranger invents machines: of one address after the other, as its offers end.
  for (let machine = 1; machine <= 5; machine++) {
    const then = now + machine * 60_000
    t.match(await (machine % 2 === 0 ? a : b).leases.propose({ lease: lease(1, machine, { state: 'offered', expires: then + 60_000, since: then }), now: then }), { kind: 'kept' })
  }
  t.same(await Promise.all([1, 2, 3, 4, 5].map(keyOf)), [undefined, undefined, undefined, undefined, '10.0.0.1'])
  // As late as its offer: of whose the address was before a may not have heard, but that his offer has ended it knows.
  const declined = now + 5 * 60_000
  t.match(await a.leases.propose({ lease: lease(1, 5, { state: 'declined', expires: declined + hour }), now: declined }), { kind: 'kept' })
  t.equal(await keyOf(5), undefined)
  t.match(await b.leases.propose({ lease: lease(2, 6), now }), { kind: 'kept' })
  t.match(await b.leases.propose({ lease: lease(2, 7), now, reserved: true }), { kind: 'kept' })
  t.same([await keyOf(6), await keyOf(7)], [undefined, '10.0.0.2'])
})

t.test('etcd away: holders are promised a short while, no longer than the others wait; written when it is back', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)
  const [a, b] = [await server(t, etcd, 'a'), await server(t, etcd, 'b')]
  for (const last of [1, 2]) t.match(await a.leases.propose({ lease: lease(last, last), now }), { kind: 'kept' })
  await until('b knows', () => b.table.size === 2)
  t.equal(b.leases.promisedUntil(ip('10.0.0.1'), mac('52:54:00:00:00:01'), now, false), undefined, 'as long as etcd is there')
  await etcd.members[0]!.stop()
  await until('both are away', () => !a.state.standing.inStep && !b.state.standing.inStep)
  const late = now + hour + 60_000
  const until1 = b.leases.promisedUntil(ip('10.0.0.1'), mac('52:54:00:00:00:01'), late, false)
  t.equal(until1, now + hour + shortPromise, 'counted from the end that etcd has')
  t.ok(shortPromise < leaseGrace)
  t.match(await b.leases.propose({ lease: lease(1, 1, { expires: until1! }), now: late }), { kind: 'kept' })
  await t.rejects(b.leases.propose({ lease: lease(1, 1, { expires: until1! + 1 }), now: late }), { code: 'etcd_away' })
  await t.rejects(b.leases.propose({ lease: lease(3, 3), now }), { code: 'etcd_away' }, 'nobody new')
  t.match(await b.leases.propose({ lease: lease(1, 3), now }), { kind: 'refused', holder: { mac: lease(1, 1).mac } })
  t.match(await b.leases.propose({ lease: lease(9, 9, { expires: now + shortPromise }), now, reserved: true }), { kind: 'kept' }, 'a reservation needs no etcd')
  t.match(await b.leases.propose({ lease: lease(2, 2, { expires: now + shortPromise }), now }), { kind: 'kept' })
  // The other one, which is away as well, may have given the machine its address again since.
  await t.rejects(a.leases.propose({ lease: lease(2, 2, { state: 'released', expires: now }), now, givenBack: true }), { code: 'etcd_away' })
  await etcd.members[0]!.start()
  await until('what was promised is written', () => a.table.get(ip('10.0.0.1'))?.expires === until1 && a.table.get(ip('10.0.0.9')) !== undefined)
  // What it has read is known before it is in step.
  await until('it may be asked', () => a.state.standing.inStep)
  t.match((await a.state.read('leases/10.0.0.2'))?.value.toString(), '"state":"bound"')
})

t.test('an offer or a release decided before another server bound the machine takes nothing from what was acknowledged', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)
  const [a, b] = [await server(t, etcd, 'a'), await server(t, etcd, 'b')]
  const stands = async (last: number): Promise<string> => (await a.state.read(`leases/10.0.0.${last}`))?.value.toString() ?? ''
  t.match(await a.leases.propose({ lease: lease(1, 1), now }), { kind: 'kept' })
  t.match(await b.leases.propose({ lease: lease(1, 1, { state: 'offered', expires: now + 60_000 }), now }), { kind: 'kept' })
  t.match(await stands(1), '"state":"bound"', 'a third server, whose clock is ahead, would give it away as soon as the offer ended')
  // Decided together: whichever comes second is told of the other.
  const together = await Promise.all([
    a.leases.propose({ lease: lease(2, 2), now }), b.leases.propose({ lease: lease(2, 2, { state: 'offered', expires: now + 60_000 }), now })
  ])
  t.match(together, [{ kind: 'kept' }, { kind: 'kept' }])
  t.match(await stands(2), '"state":"bound"')
  await until('b knows it too', () => b.table.get(ip('10.0.0.2'))?.state === 'bound')
  t.match(await b.leases.propose({ lease: lease(1, 1, { state: 'released', expires: now }), now }), { kind: 'kept' })
  t.match(await stands(1), '"state":"released"', 'who knows what stands may end it')
  // b was stopped while the machine gave its address back to it, and had it again from a.
  t.match(await b.leases.propose({ lease: lease(3, 3), now }), { kind: 'kept' })
  await until('a knows it', () => a.table.get(ip('10.0.0.3')) !== undefined)
  t.match(await a.leases.propose({ lease: lease(3, 3, { expires: now + 2 * hour }), now }), { kind: 'kept' })
  await until('b knows it', () => b.table.get(ip('10.0.0.3'))?.expires === now + 2 * hour)
  const back = lease(3, 3, { state: 'released', expires: now })
  b.table.set(back)
  t.match(await b.leases.propose({ lease: back, now, givenBack: true }), { kind: 'kept' })
  t.match(await stands(3), '"state":"bound"')
  t.equal(b.table.get(ip('10.0.0.3'))?.state, 'bound')
  t.match(await a.leases.propose({ lease: back, now, givenBack: true }), { kind: 'kept' })
  t.match(await stands(3), '"state":"released"')
  // a offers one address; then b binds the machine to another, and a reads late that the machine takes its own.
  const offer = lease(4, 4, { state: 'offered', expires: now + 60_000 })
  const ended = lease(5, 4, { state: 'released', expires: now })
  t.match(await a.leases.propose({ lease: offer, now }), { kind: 'kept' })
  t.match(await b.leases.propose({ lease: lease(5, 4), now }), { kind: 'kept' })
  await until('a knows it', () => a.table.get(ip('10.0.0.5')) !== undefined)
  a.table.set(ended)
  t.match(await a.leases.propose({ lease: ended, now, movesTo: offer.ip }), { kind: 'kept' })
  t.match(await stands(5), '"state":"bound"')
  t.equal(a.table.get(ip('10.0.0.5'))?.state, 'bound')
  t.match(await a.leases.propose({ lease: lease(4, 4), now }), { kind: 'refused', holder: { ip: ip('10.0.0.5') } })
  // Who offers it knowing of the other moves the machine.
  t.match(await a.leases.propose({ lease: offer, now }), { kind: 'kept' })
  t.match(await a.leases.propose({ lease: ended, now, movesTo: offer.ip }), { kind: 'kept' })
  t.match(await stands(5), '"state":"released"')
  t.match(await a.leases.propose({ lease: lease(4, 4), now }), { kind: 'kept' })
})
