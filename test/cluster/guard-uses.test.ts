// Guard tokens that any of several provisioners takes, each as often as it may be used over all.
import t, { type Test } from 'tap'
import { GuardUses } from '../../src/cluster/guard-uses.js'
import type { SharedState } from '../../src/cluster/shared-state.js'
import { mac } from '../helpers/dhcp.js'
import { type EtcdCluster, startEtcd } from '../helpers/etcd.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { openState } from '../helpers/shared-state.js'
import { until } from '../helpers/until.js'
import { needs } from '../helpers/tools.js'

const machine = mac('52:54:00:00:00:01')
const limits = { window: 600_000, count: 3 }
const once = { window: 600_000, count: 1 }

/** A token of its own: one is made of the machine and the millisecond. */
function mintAnew (sites: readonly Site[], by: Site): string {
  for (const { clock } of sites) clock.advance(1)
  return by.uses.mint(machine)
}

interface Site { readonly state: SharedState, readonly clock: FakeClock, readonly uses: GuardUses }

async function site (t: Test, etcd: EtcdCluster): Promise<Site> {
  const state = await openState(t, etcd)
  const clock = new FakeClock()
  const uses = new GuardUses({ state, clock })
  t.teardown(() => { uses.close() })
  await uses.open()
  return { state, clock, uses }
}

t.test('made by one, taken by another, so often over all, whoever is asked at once', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)
  const sites = await Promise.all([1, 2, 3].map(() => site(t, etcd)))
  const [a, b, c] = sites as [Site, Site, Site]
  const token = a.uses.mint(machine)
  const taken = await Promise.all(Array.from({ length: 12 }, (_, n) => sites[n % 3]!.uses.take(machine, token, limits)))
  t.equal(taken.filter(refusal => refusal === undefined).length, 3, taken.join('; '))
  t.match(taken.find(refusal => refusal !== undefined), /used 3 times already/)
  const single = mintAnew(sites, b)
  const takenOnce = await Promise.all(sites.map(({ uses }) => uses.take(machine, single, once)))
  t.equal(takenOnce.filter(refusal => refusal === undefined).length, 1)
  t.match(await c.uses.take(mac('52:54:00:00:00:02'), mintAnew(sites, a), limits), /not one that was given to this machine/)
  const before = b.state.under('guard').size
  for (let n = 0; n < 20; n++) t.type(await c.uses.take(machine, `${'0'.repeat(8)}-${String(n).padEnd(22, 'A')}`, limits), 'string')
  t.equal(b.state.under('guard').size, before, 'a guess writes nothing')

  b.clock.advance(90_000)
  t.equal(await b.uses.take(machine, mintAnew(sites, a), limits), undefined, 'a clock that is ahead')
  const late = mintAnew(sites, a)
  for (const { clock } of sites) clock.advance(limits.window + 181_000)
  t.match(await c.uses.take(machine, late, limits), /guard_window/)
  for (const { clock } of sites) clock.advance(600_000)
  await until('it knows what the others took', () => a.state.under('guard').size === 3)
  t.equal(await a.uses.take(machine, mintAnew(sites, a), limits), undefined)
  await until('what is over is gone', () => c.state.under('guard').size === 1)
})

t.test('etcd away: each counts by itself, and what is good once is asked for again', async t => {
  if (!needs(t, 'etcd')) return
  const etcd = await startEtcd(t)
  const [a, b] = [await site(t, etcd), await site(t, etcd)]
  const token = a.uses.mint(machine)
  t.equal(await a.uses.take(machine, token, limits), undefined)
  await until('both know', () => b.state.under('guard').size === 1)
  await etcd.members[0]!.stop()
  await until('it is away', () => !a.state.standing.inStep && !b.state.standing.inStep)
  t.equal(await b.uses.take(machine, token, limits), undefined)
  t.equal(await b.uses.take(machine, token, limits), undefined)
  t.match(await b.uses.take(machine, token, limits), /used/, 'the use that was known counts')
  await t.rejects(b.uses.take(machine, mintAnew([a, b], a), once), { code: 'etcd_away' })
  t.match(await b.uses.take(machine, 'none', once), /not one/)
})
