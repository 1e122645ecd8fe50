// Updates and reboots over a store that others write to as well: what they were first with counts, and it is decided again.
import t from 'tap'
import { newGroupState } from '../../src/updates/policy.js'
import { Reboots } from '../../src/updates/reboots.js'
import type { UpdateChange } from '../../src/updates/update-store.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { group, MemoryUpdateStore, UpdateBench } from '../helpers/update-store.js'

/** Others are first `losses` times, each time with `theirs`. */
class SharedStore extends MemoryUpdateStore {
  losses = 0
  settled: string[] = []
  readonly #listeners: Array<(change: UpdateChange) => void> = []
  theirs: readonly UpdateChange[] = []

  readonly onChange = (listener: (change: UpdateChange) => void): void => { this.#listeners.push(listener) }
  readonly settle = async (group: string): Promise<void> => { this.settled.push(group) }
  tell (change: UpdateChange): void { for (const listener of this.#listeners) listener(change) }
  override put = async (change: UpdateChange): Promise<boolean> => {
    if (this.losses === 0) {
      this.changes.push(change)
      return true
    }
    this.losses--
    for (const theirs of this.theirs) this.tell(theirs)
    return false
  }
}

const benched = (groups: Parameters<typeof group>[0] = {}): { store: SharedStore, bench: UpdateBench } => {
  const store = new SharedStore()
  return { store, bench: new UpdateBench([group(groups)], ['2.0.0'], {}, { store, before: store.state }) }
}

t.test('what another provisioner granted is counted here, and what it forgot no longer', async t => {
  const { store, bench } = benched()
  await bench.ask('a', '1.0.0')
  const [theirs] = bench.updates.state.instances.values()
  t.equal(await bench.offered('b', '1.0.0'), 'noupdate', 'one in a period')
  const { store: elsewhere, bench: another } = benched({ maxPerPeriod: 1 })
  elsewhere.tell({ kind: 'instance', key: 'a', instance: theirs! })
  t.equal(await another.offered('b', '1.0.0'), 'noupdate')
  elsewhere.tell({ kind: 'instance', key: 'a', instance: null })
  t.same([...another.updates.state.instances.keys()], ['b'])
  elsewhere.tell({ kind: 'group', group: { ...newGroupState('workers'), paused: true } })
  t.equal(another.updates.groupState('workers').paused, true)
  elsewhere.tell({ kind: 'holders', group: 'workers', holders: [] })
  t.equal(store.changes.length, 2)
})

t.test('who was second is decided on again, on what the first one wrote', async t => {
  const { store, bench } = benched()
  await bench.ask('first', '1.0.0')
  const [theirs] = bench.updates.state.instances.values()
  const { store: shared, bench: second } = benched()
  shared.losses = 1
  shared.theirs = [{ kind: 'instance', key: 'first', instance: theirs! }]
  t.equal(await second.offered('b', '1.0.0'), 'noupdate')
  t.equal(second.updates.figures(group()).grantedInPeriod, 1, 'its own grant is counted no more')
  shared.losses = 20
  shared.theirs = []
  t.equal(await second.offered('c', '1.0.0'), 'noupdate', 'and at last it is told of no update')
  t.notOk(second.updates.state.instances.has('c'))
  t.equal(shared.losses, 0)
  t.equal(store.changes.length, 1)
})

const holder = (id: string) => ({ group: 'workers', id, address: '10.0.0.9', since: 0 })

t.test('a slot whose giving back is not kept is held still, whether it was the last or one of several', async t => {
  for (const before of [[holder('a')], [holder('a'), holder('b')]]) {
    const store = new SharedStore()
    const reboots = new Reboots({
      groups: [{ name: 'workers', slots: 2, staleAfter: undefined, window: undefined }],
      store,
      before: new Map([['workers', before]]),
      macOf: () => undefined,
      clock: new FakeClock()
    })
    // Another provisioner was first, and what it wrote is not heard of yet.
    store.losses = 1
    t.equal(await reboots.unlock('workers', 'a', '10.0.0.9'), true, 'given back at the second try')
    t.match(store.changes, [{ holders: before.slice(1) }], 'where all see it')
    store.losses = 20
    await t.rejects(reboots.lock('workers', 'c', '10.0.0.9'), { code: 'store_changed' })
    t.same(reboots.holders.get('workers') ?? [], before.slice(1), 'and one that is not given is not held')
  }
})

t.test('slots that others hold are held here', async t => {
  const store = new SharedStore()
  const events: string[] = []
  const reboots = new Reboots({
    groups: [{ name: 'workers', slots: 1, staleAfter: undefined, window: undefined }],
    store,
    before: new Map(),
    macOf: () => undefined,
    clock: new FakeClock(),
    onEvent: ({ kind, id }) => { events.push(`${kind} ${id}`) }
  })
  store.tell({ kind: 'group', group: newGroupState('workers') })
  store.tell({ kind: 'holders', group: 'workers', holders: [holder('theirs')] })
  t.match(await reboots.lock('workers', 'ours', '10.0.0.1'), { kind: 'failed_lock_semaphore_full' })
  store.tell({ kind: 'holders', group: 'workers', holders: [] })
  store.losses = 1
  store.theirs = [{ kind: 'holders', group: 'workers', holders: [holder('theirs')] }]
  t.match(await reboots.lock('workers', 'ours', '10.0.0.1'), { kind: 'failed_lock_semaphore_full' }, 'they were first')
  t.same(reboots.holders.get('workers'), [holder('theirs')])
  store.losses = 1
  t.equal(await reboots.release('workers', 'theirs'), true, 'given back at the second try')
  store.losses = 19
  store.theirs = [{ kind: 'holders', group: 'workers', holders: [] }]
  t.equal(await reboots.lock('workers', 'ours', '10.0.0.1'), undefined, 'at the twentieth')
  store.losses = 20
  store.theirs = [{ kind: 'holders', group: 'workers', holders: [holder('ours')] }]
  await t.rejects(reboots.release('workers', 'ours'), { code: 'store_changed', message: /reboot slots of workers/ })
  t.match(reboots.holders.get('workers'), [{ id: 'ours' }], 'it is held still')
  t.same(events, ['full ours', 'full ours', 'unlock theirs', 'lock ours'])
  t.equal(store.settled.length, 1 + 2 + 2 + 20 + 20)
})
