import t from 'tap'
import { StoreMemory } from '../../src/store/store-memory.js'
import { FakeClock } from '../helpers/fake-clock.js'
import { makeGroup, makeProfile } from '../helpers/memory-store.js'

const group = (name: string): { kind: 'group', name: string, value: ReturnType<typeof makeGroup> } => ({ kind: 'group', name, value: makeGroup({ id: name }) })

t.test('a snapshot that somebody holds never changes', t => {
  const memory = new StoreMemory({ tombstoneMs: 0, clock: new FakeClock() })
  memory.put(group('a'))
  const first = memory.snapshot
  t.equal(memory.snapshot, first, 'the same one while nothing changes')
  memory.put(group('b'))
  memory.put(group('c'))
  memory.delete('group', 'a')
  t.same([...first.groups.keys()], ['a'])
  t.same([...memory.snapshot.groups.keys()], ['b', 'c'])
  t.same([...memory.snapshot.forMachines.groups.keys()], ['b', 'c'], 'machines see no more without tombstones')
  t.equal(memory.snapshot.profiles, first.profiles, 'what did not change is shared')
  t.end()
})

t.test('machines see tombstones until they expire or the object is back', t => {
  const clock = new FakeClock()
  const memory = new StoreMemory({ tombstoneMs: 1000, clock })
  const told: string[] = []
  memory.onChange(changes => { told.push(...changes.map(({ what, kind, name }) => `${what} ${kind} ${name}`)) })
  memory.put(group('a'))
  memory.put(group('b'))
  memory.put({ kind: 'profile', name: 'p', value: makeProfile({ id: 'p' }) })
  memory.put({ kind: 'cloud', name: 'c', value: { kind: 'cloud', name: 'c', content: Buffer.from('x') } })
  t.same(memory.delete('group', 'a'), [{ kind: 'group', name: 'a', what: 'deleted' }])
  for (const [kind, name] of [['group', 'b'], ['profile', 'p'], ['cloud', 'c']] as const) memory.delete(kind, name)
  t.same(memory.delete('group', 'a'), [], 'what is gone is deleted once')
  const held = memory.snapshot
  t.equal(held.groups.size + held.profiles.size + held.configs.cloud.size, 0)
  t.same([...held.forMachines.groups.values()].map(g => [g.id, g.tombstone]), [['a', true], ['b', true]])
  t.ok(held.forMachines.profiles.has('p') && held.forMachines.configs.cloud.has('c'))
  memory.put(group('a'))
  clock.advance(1000)
  t.same([...memory.snapshot.forMachines.groups.values()].map(g => [g.id, g.tombstone]), [['a', undefined]])
  t.equal(memory.snapshot.forMachines, memory.snapshot.forMachines)
  t.equal(memory.snapshot.forMachines.profiles.size, 0)
  t.equal(held.forMachines.groups.size, 2)
  t.same(told.sort(), ['expired cloud c', 'expired group b', 'expired profile p'])
  t.end()
})
