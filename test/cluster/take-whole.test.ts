// After a compaction everything is read anew, and what changed is put in force some in a turn of the event loop: in the order in which it
// changed, that of one revision together, what is gone last.
import { Buffer } from 'node:buffer'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { EtcdClient } from '../../src/etcd/etcd-client.js'
import { SharedState } from '../../src/cluster/shared-state.js'
import { FakeClock } from '../helpers/fake-clock.js'

interface Kept { readonly key: string, readonly revision: number }

/** One that only looks, of an etcd that answers a read of everything in one piece; each key that is told takes a millisecond. */
async function looking (t: Test) {
  let kept: readonly Kept[] = []
  let revision = 1
  let spent = 0
  const keyValue = ({ key, revision }: Kept) => ({ key: Buffer.from(`/f/${key}`), value: Buffer.from(key === 'fleet' ? '{"format":1,"id":"x"}' : String(revision)), mod_revision: String(revision) })
  const etcd = {
    endpoint: 'x',
    call: async (_: string, { key, range_end: end }: { readonly key: Buffer, readonly range_end?: Buffer }) => {
      const all = [{ key: 'fleet', revision: 1 }, ...kept].map(keyValue)
      return { kvs: end === undefined ? all.filter(one => one.key.equals(key)) : all, more: false, header: { revision: String(revision) } }
    }
  } as unknown as EtcdClient
  const state = new SharedState({ etcd, prefix: '/f/', clock: new FakeClock(), log: pino({ level: 'silent' }), readOnly: true, steady: () => spent })
  await state.start()
  t.teardown(() => state.close())
  const heard: string[][] = []
  for (const folder of ['groups', 'profiles']) {
    state.onChange(folder, changes => {
      spent += changes.length
      heard.push(changes.map(({ key, after }) => `${key} ${after?.revision ?? '-'}`))
    })
  }
  const become = (keys: readonly Kept[], at: number): void => { [kept, revision] = [keys, at] }
  /** Reads everything; how much was told in each turn of the event loop until it was done. */
  const turns = async (): Promise<readonly number[]> => {
    const told: number[] = []
    const until = { isDone: false }
    const done = state.resync().finally(() => { until.isDone = true })
    for (let before = spent; !until.isDone; before = spent) {
      await new Promise(resolve => { setImmediate(resolve) })
      told.push(spent - before)
    }
    await done
    return told
  }
  return { state, heard, become, turns }
}

const group = (n: number, revision: number): Kept => ({ key: `groups/${String(n).padStart(5, '0')}`, revision })

t.test('20,000 keys are put in force in many turns, and known as whole when all of them are', async t => {
  const { state, heard, become, turns } = await looking(t)
  become(Array.from({ length: 20_000 }, (_, n) => group(n, 2 + n)), 30_000)
  let isApplied = false
  void state.applied(30_000).then(() => { isApplied = true })
  let early = 0
  const stop = state.onChange('groups', () => { if (isApplied) early++ })
  const told = await turns()
  stop()
  t.equal(told.reduce((sum, one) => sum + one, 0), 20_000)
  t.ok(Math.max(...told) < 100, `${Math.max(...told)} at once`)
  t.ok(told.length > 200, `${told.length} turns`)
  t.same([isApplied, early], [true, 0])
  t.equal(state.under('groups').size, 20_000)
  t.ok(heard.length < 1000, 'listeners hear of many at once')

  become([group(7, 7 + 2)], 30_001)
  const gone = await turns()
  t.equal(state.under('groups').size, 1)
  t.ok(Math.max(...gone) < 100, 'and so goes what is gone')
})

t.test('in the order in which it changed, of one revision together, and what is gone last', async t => {
  const { heard, become, turns } = await looking(t)
  become([group(1, 5), group(2, 6)], 6)
  await turns()
  heard.splice(0)
  // A transaction of a hundred keys amid others; a group whose profile came before it; one that got another name.
  const many = Array.from({ length: 100 }, (_, n) => group(100 + n, 50))
  become([group(1, 5), group(3, 61), { key: 'profiles/p', revision: 60 }, ...many, ...Array.from({ length: 40 }, (_, n) => group(300 + n, 10 + n))], 70)
  await turns()
  const order = heard.flat().map(text => text.split(' '))
  t.same(order.at(-1), ['groups/00002', '-'])
  const revisions = order.slice(0, -1).map(([, revision]) => Number(revision))
  t.same(heard.filter(changes => changes.some(text => text.endsWith(' 50'))).length, 1, 'those of a revision at once')
  t.ok(heard.findIndex(changes => changes.includes('profiles/p 60')) < heard.findIndex(changes => changes.includes('groups/00003 61')))
  t.equal(revisions.length, 142)
  t.same(revisions.filter(revision => revision < 50), Array.from({ length: 40 }, (_, n) => 10 + n))
})

t.test('of another history nothing that was waited for is there before all of it is', async t => {
  const { state, become, turns } = await looking(t)
  become(Array.from({ length: 1000 }, (_, n) => group(n, 2 + n)), 5000)
  await turns()
  const restored: string[] = []
  state.onRestored(() => { restored.push('restored') })
  state.onChange('groups', () => { restored.push(state.standing.inStep ? 'in step' : 'out of step') })
  become(Array.from({ length: 900 }, (_, n) => group(n, 3 + n)), 2000)
  await turns()
  t.equal(restored[0], 'restored')
  t.ok(restored.length > 10)
  t.same([...new Set(restored.slice(1))], ['out of step'])
  t.equal(state.under('groups').size, 900)
  t.equal(state.standing.inStep, true)
})
