// What two provisioners know of machines, in one etcd.
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { AppError } from '../../src/base/errors.js'
import { systemClock } from '../../src/base/clock.js'
import { EtcdMachines, type EtcdMachinesOptions } from '../../src/cluster/etcd-machines.js'
import type { SharedState } from '../../src/cluster/shared-state.js'
import { MachineJournal } from '../../src/machines/journal.js'
import type { Stage } from '../../src/machines/machine.js'
import { MachineRegistry } from '../../src/machines/registry.js'
import { recordLimits } from '../../src/machines/timeline.js'
import type { Mac } from '../../src/net/mac.js'
import { mac } from '../helpers/dhcp.js'
import { type EtcdCluster, startEtcd } from '../helpers/etcd.js'
import { openState } from '../helpers/shared-state.js'
import { until } from '../helpers/until.js'
import { needs } from '../helpers/tools.js'

const log = pino({ level: 'silent' })
const one = mac('52:54:00:00:00:01')
const stranger = mac('52:54:00:00:00:99')

interface Site {
  readonly state: SharedState
  readonly registry: MachineRegistry
  readonly machines: EtcdMachines
  readonly see: (stage: Stage, at: number, more?: object) => void
}

interface SiteOptions extends Partial<EtcdMachinesOptions> { readonly folder?: string }

/** As wiring/machines opens it. */
async function site (t: Test, etcd: EtcdCluster, name: string, { folder = join(t.testdirName, name), ...more }: SiteOptions = {}): Promise<Site> {
  const state = more.state as SharedState | undefined ?? await openState(t, etcd, { folder })
  const holder: { registry?: MachineRegistry } = {}
  const own = new MachineJournal({ path: join(folder, 'machines.jsonl'), clock: systemClock, log, current: () => holder.registry?.values() ?? [] })
  const machines = new EtcdMachines({
    state, own, clock: systemClock, log, onMachine: machine => { holder.registry?.take(machine) }, onForgotten: gone => { holder.registry?.forget(gone) }, ...more
  })
  const registry = holder.registry = new MachineRegistry(await machines.load(), {
    note: (machine, how) => { machines.note(machine, how) },
    kept: which => machines.kept(which),
    kindOf: machine => machine.mac === stranger ? 'stranger' : 'known',
    limits: { known: recordLimits.shared, stranger: recordLimits.stranger }
  })
  machines.shareKept(which => registry.kindOf(which) !== 'stranger')
  t.teardown(() => machines.close())
  return { state, registry, machines, see: (stage, at, more = {}) => { registry.record({ mac: one, stage, at, program: 'pxe', seenBy: name, ...more }) } }
}

async function pair (t: Test): Promise<{ etcd: EtcdCluster, a: Site, b: Site }> {
  t.testdir()
  const etcd = await startEtcd(t)
  return { etcd, a: await site(t, etcd, 'a'), b: await site(t, etcd, 'b') }
}

t.test('what one sees all show; who waits at another is told', async t => {
  if (!needs(t, 'etcd')) return
  const { etcd, a, b } = await pair(t)
  const waiting = b.registry.waitFor(one, 'script', new AbortController().signal)
  const told: string[] = []
  b.registry.onChange(({ observation: { stage }, elsewhere }) => { told.push(`${stage} ${String(elsewhere)}`) })
  for (const [n, stage] of (['discover', 'offer', 'ack', 'loader', 'script'] as const).entries()) a.see(stage, 1000 + n, { profile: 'p' })
  t.match(await waiting, { mac: one, stage: 'script', profile: 'p', seenBy: 'a', boots: 1 })
  t.same(told, ['discover true', 'offer true', 'ack true', 'loader true', 'script true'])
  b.see('kernel', 2000)
  b.see('installed', 3000, { bootedAs: 'x' })
  await b.registry.kept(one)
  await until('the first knows', () => a.registry.get(one)?.installedAs === 'x')
  t.same(a.registry.get(one), b.registry.get(one))
  const c = await site(t, etcd, 'c')
  t.match(c.registry.get(one), { stage: 'installed', installedAs: 'x', boots: 1 }, 'who comes later, too')
  a.registry.reset(one)
  await a.registry.kept(one)
  await until('all have it start over', () => [b, c].every(({ registry }) => registry.get(one)?.installedAs === undefined && registry.get(one)?.stage === undefined))
})

t.test('two hear one DISCOVER, and serve one boot in turns: it is one boot, nothing of it is lost', async t => {
  if (!needs(t, 'etcd')) return
  const { a, b } = await pair(t)
  for (const [ahead, boot] of [[0, 1], [90_000, 2]] as const) {
    const start = 1_000_000 * boot
    // The second one's clock is ahead in the second round.
    for (const [at, { see }] of [[start, a], [start + ahead + 1, b]] as const) see('discover', at, { exchange: boot })
    a.see('offer', start + 2, { exchange: boot })
    b.see('offer', start + ahead + 250, { exchange: boot })
    a.see('ack', start + 1010)
    a.see('loader', start + 1020, { detail: 'ipxe' })
    await Promise.all([a.registry.kept(one), b.registry.kept(one)])
    b.see('script', start + ahead + 1030, { detail: '/ipxe' })
    await b.registry.kept(one)
    a.see('kernel', start + 1040, { detail: '/k' })
    await a.registry.kept(one)
    b.see('ignition', start + ahead + 1050, { detail: '/ignition' })
    await b.registry.kept(one)
    await until('both know it', () => [a, b].every(({ registry }) => registry.get(one)?.timeline.some(({ stage }) => stage === 'ignition') === true))
    t.same(a.registry.get(one), b.registry.get(one))
    const record = a.registry.get(one)
    t.match(record, { stage: 'ignition', boots: boot })
    t.same(new Set(record?.timeline.map(({ stage }) => stage)), new Set(['discover', 'offer', 'ack', 'loader', 'script', 'kernel', 'ignition']))
  }
})

t.test('of many changes at once by three none is lost', async t => {
  if (!needs(t, 'etcd')) return
  const { etcd, a, b } = await pair(t)
  const all = [a, b, await site(t, etcd, 'c')]
  await Promise.all(all.map(async ({ see, registry }, n) => {
    for (let i = 0; i < 5; i++) {
      see('ignition', 1000 + i, { detail: `${n} ${i}` })
      await registry.kept(one)
    }
  }))
  const wanted = all.flatMap((_, n) => [0, 1, 2, 3, 4].map(i => `${n} ${i}`))
  await until('all know all', () => all.every(({ registry }) => registry.get(one)?.timeline.length === 15))
  for (const { registry } of all) t.same(registry.get(one)?.timeline.map(({ detail }) => detail).sort(), wanted)
})

t.test('strangers write nothing, what repeats itself is no write each, and there are no more records than may be', async t => {
  if (!needs(t, 'etcd')) return
  t.testdir()
  const etcd = await startEtcd(t)
  const leased = new Set<Mac>()
  const a = await site(t, etcd, 'a', { most: 3, isLeased: found => found !== undefined && leased.has(found) })
  const client = await etcd.client()
  const revision = async (): Promise<number> => Number((await client.call('Range', { key: Buffer.from('x') })).header.revision)
  a.see('discover', 1)
  await a.registry.kept(one)
  const before = await revision()
  for (let n = 0; n < 1000; n++) {
    a.registry.record({ mac: stranger, stage: 'discover', at: n, detail: `${n}` })
    a.see('discover', 2 + n)
  }
  await a.registry.kept(stranger)
  t.equal(await revision(), before)
  const other = (n: number): Mac => mac(`52:54:00:00:01:0${n}`)
  for (let n = 0; n < 5; n++) {
    a.registry.record({ mac: other(n), stage: 'discover', at: n })
    await a.registry.kept(other(n))
    await until('it is here', () => a.state.get(`machines/${other(n)}`) !== undefined)
  }
  t.same([...a.state.under('machines').keys()].sort(), [2, 3, 4].map(n => `machines/${other(n)}`), 'the longest unwritten gave way')
  t.equal(a.registry.get(other(0)), undefined)
  leased.add(other(4))
  a.registry.record({ mac: other(5), stage: 'discover', at: 9 })
  await a.registry.kept(other(5))
  await until('it is here', () => a.state.get(`machines/${other(5)}`) !== undefined)
  t.same([...a.state.under('machines').keys()].sort(), [2, 3, 5].map(n => `machines/${other(n)}`), 'whom only a lease names before all others')
  t.match(a.registry.get(one), { timeline: [{ times: 1001 }] }, 'what is still to be written is no loss')
})

t.test('etcd away: what is seen is kept here, also over a restart, and written when it is back', async t => {
  if (!needs(t, 'etcd')) return
  const { etcd, a, b } = await pair(t)
  a.see('script', 1000, { bootedAs: 'x' })
  await a.registry.kept(one)
  await until('both know', () => b.registry.get(one) !== undefined)
  await etcd.members[0]!.stop()
  await until('it is away', () => !a.state.standing.inStep && !b.state.standing.inStep)
  a.see('installed', 2000, { bootedAs: 'x' })
  await t.rejects(a.registry.kept(one), { code: 'etcd_away' }, 'and it is not said that it is kept')
  for (let n = 0; n < 200; n++) b.see('kernel', 1500 + n, { detail: `${n}` })
  await a.machines.close()
  await a.state.close()
  const again = await site(t, etcd, 'a')
  t.match(again.registry.get(one), { installedAs: 'x' })
  await etcd.members[0]!.start()
  await until('all know', () => [again, b].every(({ state, registry }) => state.standing.inStep && registry.get(one)?.installedAs === 'x'))
  await b.registry.kept(one)
  await until('they agree', () => JSON.stringify(again.registry.get(one)) === JSON.stringify(b.registry.get(one)))
  t.match(again.registry.get(one), { installedAs: 'x', stage: 'installed' }, 'what the other saw before it does not undo it')
})

t.test('a machine that was seen while etcd was away alone is written after a restart, a stranger is not', async t => {
  if (!needs(t, 'etcd')) return
  const { etcd, a, b } = await pair(t)
  await etcd.members[0]!.stop()
  await until('it is away', () => !a.state.standing.inStep && !b.state.standing.inStep)
  a.see('installed', 2000, { bootedAs: 'x' })
  a.registry.record({ mac: stranger, stage: 'discover', at: 2000 })
  await a.machines.close()
  await a.state.close()
  // Another one has seen it too, and both write when etcd is back.
  b.see('kernel', 1500)
  const again = await site(t, etcd, 'a')
  await etcd.members[0]!.start()
  await until('all know', () => [again, b].every(({ registry }) => registry.get(one)?.installedAs === 'x'))
  t.match(again.registry.get(stranger), { stage: 'discover' })
  t.equal(again.state.get(`machines/${stranger}`), undefined)
})

t.test('a write that was carried out without an answer is not made twice; a value that cannot be read is written over', async t => {
  if (!needs(t, 'etcd')) return
  t.testdir()
  const etcd = await startEtcd(t)
  const state = await openState(t, etcd, { folder: join(t.testdirName, 'state') })
  let silent = 1
  const lossy = new Proxy(state, {
    get: (target, name) => {
      const found: unknown = Reflect.get(target, name, target)
      if (name !== 'transact') return typeof found === 'function' ? found.bind(target) as unknown : found
      return async (...args: Parameters<SharedState['transact']>) => {
        const answer = await target.transact(...args)
        if (silent-- > 0) throw new AppError('etcd_away', 'no answer')
        return answer
      }
    }
  })
  const a = await site(t, etcd, 'a', { state: lossy })
  a.see('kernel', 1000)
  a.see('ignition', 1001)
  await t.rejects(a.registry.kept(one), { code: 'etcd_away' })
  a.see('ignition', 1002)
  await a.registry.kept(one)
  t.match(a.registry.get(one)?.timeline, [{ stage: 'kernel', at: 1000 }, { stage: 'ignition', at: 1001, times: 2 }])
  const b = await site(t, etcd, 'b')
  t.same(b.registry.get(one), a.registry.get(one))

  await state.transact({ compare: [], success: [{ request_put: { key: state.etcdKey(`machines/${one}`), value: Buffer.from('{"attempt":1}') } }] })
  await until('it is there', () => state.get(`machines/${one}`)?.value.toString() === '{"attempt":1}')
  t.match(a.registry.get(one), { stage: 'ignition' }, 'the last that was good stays')
  a.see('installed', 2000)
  await a.registry.kept(one)
  await until('the other knows', () => b.registry.get(one)?.stage === 'installed')
})
