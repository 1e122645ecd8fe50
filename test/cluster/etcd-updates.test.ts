// Updates and reboots that three provisioners decide on at once, in one etcd.
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { EtcdUpdates } from '../../src/cluster/etcd-updates.js'
import type { SharedState } from '../../src/cluster/shared-state.js'
import { Reboots } from '../../src/updates/reboots.js'
import type { UpdateStore } from '../../src/updates/update-store.js'
import { type EtcdCluster, startEtcd } from '../helpers/etcd.js'
import { openState } from '../helpers/shared-state.js'
import { until } from '../helpers/until.js'
import { needs } from '../helpers/tools.js'
import { group, UpdateBench } from '../helpers/update-store.js'

const log = pino({ level: 'silent' })

interface Site { readonly state: SharedState, readonly reboots: Reboots, readonly bench: UpdateBench }

async function site (t: Test, etcd: EtcdCluster, prefix = '/fleet/'): Promise<Site> {
  const state = await openState(t, etcd, { prefix, folder: await mkdtemp(join(t.testdirName, 'site-')) })
  const store: UpdateStore = new EtcdUpdates({ state, log })
  const before = await store.load()
  t.teardown(() => store.close())
  const bench = new UpdateBench([group({ maxPerPeriod: 4 })], ['2.0.0'], {}, { store, before })
  t.teardown(() => { bench.updates.close() })
  const reboots = new Reboots({
    groups: [{ name: 'workers', slots: 3, staleAfter: undefined, window: undefined }], store, before: before.holders, macOf: () => undefined, clock: bench.clock
  })
  return { state, reboots, bench }
}

async function three (t: Test): Promise<{ etcd: EtcdCluster, sites: readonly [Site, Site, Site] }> {
  t.testdir()
  const etcd = await startEtcd(t)
  return { etcd, sites: [await site(t, etcd), await site(t, etcd), await site(t, etcd)] }
}

t.test('one semaphore: of 60 who ask three provisioners at once as many get a slot as there are', async t => {
  if (!needs(t, 'etcd')) return
  const { etcd, sites } = await three(t)
  const ask = (n: number): ReturnType<Reboots['lock']> => sites[n % 3]!.reboots.lock('workers', `m${n}`, '10.0.0.1')
  const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => ask(n)))
  const winners = answers.flatMap((answer, n) => answer === undefined ? [n] : [])
  t.equal(winners.length, 3, `${winners.join(' ')}`)
  await until('all know', () => sites.every(({ reboots }) => reboots.holders.get('workers')?.length === 3))
  t.equal(await sites[(winners[0]! + 1) % 3]!.reboots.lock('workers', `m${winners[0]}`, '10.0.0.1'), undefined, 'who holds one holds it at another too')
  t.equal(await sites[(winners[0]! + 1) % 3]!.reboots.unlock('workers', `m${winners[0]}`, '10.0.0.1'), true)
  const again = await Promise.all([100, 101, 102].map(ask))
  t.equal(again.filter(answer => answer === undefined).length, 1)
  t.match((await site(t, etcd)).reboots.holders.get('workers')?.length, 3, 'who comes later knows them')

  await etcd.members[0]!.stop()
  await until('it is away', () => sites.every(({ state }) => !state.standing.inStep))
  await t.rejects(sites[0].reboots.lock('workers', 'm200', '10.0.0.1'), { code: 'etcd_away' }, 'none is granted')
  await t.rejects(sites[0].reboots.lock('workers', `m${winners[1]}`, '10.0.0.1'), { code: 'etcd_away' }, 'a person may have taken it meanwhile')
  await t.rejects(sites[0].reboots.unlock('workers', `m${winners[1]}`, '10.0.0.1'), { code: 'etcd_away' })
  t.equal(sites[0].reboots.holders.get('workers')?.length, 3)
})

t.test('max_per_period over all, whoever is asked, and at once', async t => {
  if (!needs(t, 'etcd')) return
  const { etcd, sites } = await three(t)
  const offered = await Promise.all(Array.from({ length: 30 }, (_, n) => sites[n % 3]!.bench.offered(`m${n}`, '1.0.0', {}, `192.168.1.${n}`)))
  t.equal(offered.filter(version => version === '2.0.0').length, 4, offered.join(' '))
  const granted = offered.indexOf('2.0.0')
  await until('all know it', () => sites.every(({ bench }) => bench.updates.state.instances.get(`m${granted}`)?.status === 'granted'))
  t.equal(await sites[(granted + 1) % 3]!.bench.offered(`m${granted}`, '1.0.0', {}, `192.168.1.${granted}`), '2.0.0', 'the same from another, which is no further one')
  await sites[(granted + 2) % 3]!.bench.say(`m${granted}`, '2.0.0', 3, 2, { previousVersion: '1.0.0' }, `192.168.1.${granted}`)
  await until('all know that it is done', () => sites.every(({ bench }) => bench.updates.state.instances.get(`m${granted}`)?.status === 'complete'))
  t.equal(await sites[0].bench.offered('m99', '1.0.0', {}, '192.168.1.99'), 'noupdate', 'the period is not over')

  await sites[1].bench.updates.pause('workers')
  await until('all have paused', () => sites.every(({ bench }) => bench.updates.groupState('workers').paused))
  await Promise.all(sites.map(({ bench }) => bench.updates.approve('workers', '2.0.0')))
  await Promise.all(sites.map(({ bench }, n) => bench.updates.approve('workers', `3.${n}.0`)))
  await until('what all approved', () => sites.every(({ bench }) => bench.updates.groupState('workers').approved.length === 4))
  await sites[2].bench.updates.resume('workers')
  await until('all go on', () => sites.every(({ bench }) => !bench.updates.groupState('workers').paused))

  await etcd.members[0]!.stop()
  await until('it is away', () => sites.every(({ state }) => !state.standing.inStep))
  for (const { bench } of sites) bench.clock.advance(3_600_000)
  await t.rejects(sites[0].bench.offered('m98', '1.0.0', {}, '192.168.1.98'), { code: 'etcd_away' }, 'nothing is granted')
  t.equal(sites[0].bench.updates.state.instances.get('m98'), undefined)
  await sites[0].bench.say('m97', '2.0.0', 3, 2, { previousVersion: '1.0.0' }, '192.168.1.97')
  await etcd.members[0]!.start()
  await until('what was said meanwhile is told', () => sites.every(({ bench }) => bench.updates.state.instances.has('m97')))
})
