// The store of several provisioners, in etcd itself.
import { Buffer } from 'node:buffer'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/clock.js'
import { AppError } from '../../src/base/errors.js'
import type { SharedState } from '../../src/cluster/shared-state.js'
import type { EtcdClient } from '../../src/etcd/etcd-client.js'
import type { RequestOp } from '../../src/etcd/proto.js'
import { findConfig, type OpenStore } from '../../src/matchbox/store.js'
import { openEtcdStore } from '../../src/store/etcd-store.js'
import { type EtcdCluster, startEtcd } from '../helpers/etcd.js'
import { until } from '../helpers/until.js'
import { logLines } from '../helpers/log-lines.js'
import { makeGroup, makeProfile } from '../helpers/memory-store.js'
import { openState, type StateOptions } from '../helpers/shared-state.js'
import { findTool, needs } from '../helpers/tools.js'

interface Provisioner { readonly state: SharedState, readonly store: OpenStore, readonly etcd: EtcdClient }

async function provisioner (t: Test, cluster: EtcdCluster, options: StateOptions = {}): Promise<Provisioner> {
  const etcd = await cluster.client()
  const state = await openState(t, cluster, { etcd, ...options })
  const store = openEtcdStore({ state, tombstoneMs: 0, clock: systemClock, log: options.log ?? pino({ level: 'silent' }) })
  t.teardown(() => store.close())
  // A service listens; here nothing else keeps the process while etcd is waited for.
  const held = setInterval(() => {}, 60_000)
  t.teardown(() => { clearInterval(held) })
  return { state, store, etcd }
}

const put = (key: string, value: string | Buffer): RequestOp => ({ request_put: { key: Buffer.from(`/fleet/${key}`), value: Buffer.from(value) } })
const write = async (etcd: EtcdClient, ...success: readonly RequestOp[]): Promise<number> =>
  Number((await etcd.call('Txn', { compare: [], success, failure: [] })).header.revision)
const groupText = (id: string, profile: string): string => JSON.stringify({ id, profile })

t.test('what one provisioner put another can be asked for at once', async t => {
  if (!needs(t, 'etcd')) return
  const cluster = await startEtcd(t)
  const [a, b] = [await provisioner(t, cluster), await provisioner(t, cluster)]
  for (let n = 0; n < 50; n++) {
    await a.store.putGroup(makeGroup({ id: 'a', profile: `p${n}` }))
    t.equal(await b.store.settle?.('group', 'a'), 'now')
    t.equal(b.store.snapshot.groups.get('a')?.profile, `p${n}`)
  }
  await b.store.putConfig('ignition', 'x', Buffer.from('1'))
  await b.store.deleteGroup('a')
  t.equal(await a.store.settle?.('group'), 'now')
  t.equal(a.store.snapshot.groups.size, 0)
  await a.store.settle?.('ignition', 'x')
  t.equal(findConfig(a.store.snapshot, 'ignition', 'x')?.content.toString(), '1')
})

t.test('what is written while etcd does not answer for a moment is written; of one that stays away the reason is told', async t => {
  if (!needs(t, 'etcd')) return
  const cluster = await startEtcd(t)
  const member = cluster.members[0]!
  const { state, store, etcd } = await provisioner(t, cluster)
  await store.putGroup(makeGroup({ id: 'old' }))
  const call = etcd.call.bind(etcd)
  let isStopped = false
  etcd.call = (name, request) => call(name, request, isStopped ? 1000 : undefined)
  /** Has it stop in the middle of the work, and go on once that is known here. */
  const through = async (work: () => Promise<void>): Promise<void> => {
    const away = new Promise<void>(resolve => { const stop = state.onStanding(({ inStep }) => { if (!inStep) { stop(); resolve() } }) })
    isStopped = true
    member.signal('SIGSTOP')
    const done = work()
    await away
    isStopped = false
    member.signal('SIGCONT')
    await done
    await until('it is in step again', () => state.standing.inStep)
  }
  await through(() => store.putGroup(makeGroup({ id: 'a' })))
  await through(() => store.deleteGroup('old'))
  let plans = 0
  const plan = async () => makeGroup({ id: `b${plans++}` })
  await through(() => store.addGroup!(plan))
  t.same([...store.snapshot.groups.keys()].filter(id => id.startsWith('b')).length, 1, 'however late etcd carries out what it did not answer')

  let lost = 1
  etcd.call = async (name, request) => {
    const answer = await call(name, request)
    if (name === 'Txn' && lost-- > 0) throw new AppError('etcd_away', 'the answer is lost')
    return answer
  }
  await store.addGroup!(plan)
  t.equal([...store.snapshot.groups.keys()].filter(id => id.startsWith('b')).length, 2, 'what etcd carried out without an answer is not done twice')
  const applied = state.applied.bind(state)
  state.applied = async () => {
    state.applied = applied
    throw new AppError('etcd_away', 'what etcd has does not arrive here')
  }
  await store.addGroup!(plan)
  t.equal([...store.snapshot.groups.keys()].filter(id => id.startsWith('b')).length, 3, 'nor what was heard of late')
  lost = 1
  await store.putProfile(makeProfile({ id: 'p' }))
  t.equal(store.snapshot.profiles.has('p'), true)
})

t.test('of two that change one object at once, one is told so', async t => {
  if (!needs(t, 'etcd')) return
  const cluster = await startEtcd(t)
  const both = [await provisioner(t, cluster), await provisioner(t, cluster)]
  let refused = 0
  for (let n = 0; n < 20; n++) {
    const done = await Promise.allSettled(both.map(({ store }, i) => store.putProfile(makeProfile({ id: 'p', ignitionId: `${n}-${i}` }))))
    t.ok(done.some(({ status }) => status === 'fulfilled'))
    for (const one of done) {
      if (one.status === 'rejected') t.match(one.reason, { code: 'store_changed', kind: 'conflict' })
      if (one.status === 'rejected') refused++
    }
  }
  t.comment(`${refused} of 20 were refused`)
  await Promise.all(both.map(({ store }) => store.settle?.('profile', 'p')))
  t.equal(both[0]?.store.snapshot.profiles.get('p')?.ignitionId, both[1]?.store.snapshot.profiles.get('p')?.ignitionId)
})

t.test('changes of one revision come in one step; a value that cannot be used leaves the last one in force', async t => {
  if (!needs(t, 'etcd')) return
  const { store, etcd, state } = await provisioner(t, await startEtcd(t))
  const seen: string[] = []
  store.onChange(changes => { seen.push(changes.map(({ kind, name, what }) => `${what} ${kind} ${name}`).join(', ')) })
  const revision = await write(etcd, put('groups/a', groupText('a', 'p')), put('groups/b', groupText('b', 'p')))
  await state.applied(revision)
  t.same(seen, ['put group a, put group b'])
  await state.applied(await write(etcd, put('groups/a', '{"id": "a", "profile'), put('groups/c/d', groupText('d', 'p'))))
  t.equal(store.snapshot.groups.get('a')?.profile, 'p')
  t.match(store.problems(), [{ kind: 'group', name: 'a', where: 'groups/a.json' }, { name: 'c/d', message: /top of its folder/ }])
  await state.applied(await write(etcd, put('groups/a', groupText('a', 'q')), { request_delete_range: { key: Buffer.from('/fleet/groups/c/d') } }))
  t.equal(store.snapshot.groups.get('a')?.profile, 'q')
  t.same(store.problems(), [])
  t.equal([...store.sources()].find(({ name }) => name === 'a')?.bytes?.toString(), groupText('a', 'q'), 'byte for byte')
})

t.test('what is too large to share is refused with its size', async t => {
  if (!needs(t, 'etcd')) return
  const { store } = await provisioner(t, await startEtcd(t))
  await store.putConfig('generic', 'fits', Buffer.alloc(1024 * 1024))
  await t.rejects(store.putConfig('generic', 'x', Buffer.alloc(1024 * 1024 + 1)), { code: 'message_too_large', message: /1048577 bytes, and at most 1048576 \(1 MiB\)/ })
})

t.test('etcd away: what is known is served, nothing is taken, one line tells it; after a restart from the copy on disk', async t => {
  if (!needs(t, 'etcd')) return
  const cluster = await startEtcd(t)
  const folder = t.testdir()
  const lines = logLines()
  const { store, state } = await provisioner(t, cluster, { folder, log: pino(lines.stream) })
  await store.putGroup(makeGroup({ id: 'a' }))
  await cluster.members[0]!.stop()
  await until('it is away', () => !state.standing.inStep)
  await t.rejects(store.putGroup(makeGroup({ id: 'b' })), { code: 'etcd_away', kind: 'unavailable' })
  for (let n = 0; n < 5; n++) await t.rejects(store.deleteGroup('a'), { code: 'etcd_away' })
  t.equal(await store.settle?.('group', 'a'), 'before')
  await t.rejects(store.settle!('group', 'b'), { code: 'etcd_away' }, 'that it is gone nobody can say')
  t.equal(await store.settle?.('group'), 'before')
  t.match(state.standing, { inStep: false, age: Number, reason: /does not answer|ended/ })
  t.equal(lines.entries().filter(({ msg }) => msg === 'cluster.away').length, 1)
  await store.close()
  await state.close()

  const again = await provisioner(t, cluster, { folder })
  t.equal(again.store.snapshot.groups.get('a')?.profile, 'p')
  t.match(again.state.standing, { inStep: false, age: Number })
  t.same(again.store.problems(), [])
  const without = await provisioner(t, cluster, { folder: join(folder, 'without') })
  t.match(without.store.problems(), [{ kind: undefined, message: /nothing was read yet/ }])

  await cluster.members[0]!.start()
  await until('both are in step', () => again.state.standing.inStep && without.state.standing.inStep)
  await again.store.putGroup(makeGroup({ id: 'b' }))
  await without.store.settle?.('group')
  t.same([...without.store.snapshot.groups.keys()], ['a', 'b'])
})

t.test('what was compacted while the watch was away is found by reading everything again, deletions too', async t => {
  if (!needs(t, 'etcd')) return
  const cluster = await startEtcd(t, { members: 1 })
  const folder = t.testdir()
  const a = await provisioner(t, cluster, { folder })
  for (const id of ['a', 'b', 'c']) await a.store.putGroup(makeGroup({ id }))
  await cluster.members[0]!.stop('SIGTERM')
  await until('it is away', () => !a.state.standing.inStep)
  await cluster.members[0]!.start()
  // Before its watch is back: another one deletes, changes, and compacts.
  const other = await cluster.client()
  await until('etcd answers', async () => await other.call('Range', { key: Buffer.from('x') }).then(() => true, () => false))
  await write(other, { request_delete_range: { key: Buffer.from('/fleet/groups/b') } }, put('groups/c', groupText('c', 'changed')))
  const revision = await write(other, put('groups/d', groupText('d', 'p')))
  await other.call('Compact', { revision, physical: true })
  await until('the difference has come', () => a.store.snapshot.groups.has('d'))
  t.same([...a.store.snapshot.groups.keys()].sort(), ['a', 'c', 'd'])
  t.equal(a.store.snapshot.groups.get('c')?.profile, 'changed')
})

t.test('a cluster that was restored is this fleet still; another fleet, nothing and a newer format are refused', async t => {
  if (!needs(t, 'etcd', 'etcdctl')) return
  const cluster = await startEtcd(t)
  const folder = t.testdir()
  const a = await provisioner(t, cluster, { folder })
  await a.store.putGroup(makeGroup({ id: 'a', profile: 'old' }))
  const saved = join(folder, 'saved')
  const etcdctl = (...args: readonly string[]): void => {
    execFileSync(findTool('etcdctl')!, ['--endpoints', cluster.endpoints[0]!, ...args], { env: { ...process.env, ETCDCTL_API: '3' }, stdio: 'ignore' })
  }
  etcdctl('snapshot', 'save', saved)
  for (let n = 0; n < 5; n++) await a.store.putGroup(makeGroup({ id: 'a', profile: `new${n}` }))
  await cluster.members[0]!.restore(saved)
  await until('the old state is in force', () => a.store.snapshot.groups.get('a')?.profile === 'old' && a.state.standing.inStep)
  await a.store.putGroup(makeGroup({ id: 'a', profile: 'again' }))
  await a.store.close()
  await a.state.close()

  const other = await startEtcd(t)
  await t.rejects(provisioner(t, other, { folder }), { code: 'etcd_foreign', message: /etcd has nothing at \/fleet\/.*remove state_path\/fleet\.jsonl to begin anew/ })
  await provisioner(t, other)
  await t.rejects(provisioner(t, other, { folder }), { code: 'etcd_foreign', message: /holds fleet [0-9a-f]+, and this provisioner belongs to fleet/ })
  await t.rejects(provisioner(t, other, { prefix: '/nobody/', readOnly: true }), { code: 'etcd_foreign', message: /etcd has nothing at \/nobody\// })
  const etcd = await cluster.client()
  await write(etcd, put('fleet', '{"format": 2, "id": "x"}'))
  await t.rejects(provisioner(t, cluster), { code: 'state_newer', message: /format 2; this one knows 1/ })
  await write(etcd, put('fleet', 'mine'))
  await t.rejects(provisioner(t, cluster), { code: 'etcd_foreign', message: /no record of a fleet/ })
})

t.test('groups that are added at once by three are planned in turn, and none is written over', async t => {
  if (!needs(t, 'etcd')) return
  const cluster = await startEtcd(t)
  const all = [await provisioner(t, cluster), await provisioner(t, cluster), await provisioner(t, cluster)]
  const stores = all.map(({ store }) => store)
  // As enrolments and adoptions do: the lowest number, or a name of one's own, and the lowest address.
  const add = async (store: OpenStore, name: string): Promise<void> => await store.addGroup!(async () => {
    const n = store.snapshot.groups.size + 1
    return makeGroup({ id: name === '' ? `n${n}` : name, metadata: { ip: `10.0.0.${n}` } })
  })
  await Promise.all(stores.flatMap((store, k) => ['', `own${k}`, ''].map(name => add(store, name))))
  await until('all know all', () => stores.every(({ snapshot }) => snapshot.groups.size === 9))
  const addresses = [...stores[0]!.snapshot.groups.values()].map(({ metadata }) => metadata?.get('ip'))
  t.equal(new Set(addresses).size, 9, addresses.join(' '))
  await stores[0]!.addGroup!(async () => undefined)
  await t.rejects(stores[1]!.addGroup!(async () => makeGroup({ id: 'own0' })), { code: 'store_changed' }, 'one that is there stays')
  await cluster.members[0]!.stop()
  await until('it is away', () => !all[2]!.state.standing.inStep)
  await t.rejects(add(stores[2]!, 'late'), { code: 'etcd_away' })
})
