import t from 'tap'
import { StoreMemory } from '../../src/store/snapshot.js'
import { makeGroup, makeProfile } from '../helpers/memory-store.js'

const group = (name: string): { kind: 'group', name: string, value: ReturnType<typeof makeGroup> } => ({ kind: 'group', name, value: makeGroup({ id: name }) })

t.test('a snapshot that somebody holds never changes', t => {
  const memory = new StoreMemory()
  memory.put(group('a'))
  const first = memory.snapshot
  t.equal(memory.snapshot, first, 'the same one while nothing changes')
  memory.put(group('b'))
  memory.put(group('c'))
  memory.delete('group', 'a')
  t.same([...first.groups.keys()], ['a'])
  t.same([...memory.snapshot.groups.keys()], ['b', 'c'])
  t.equal(memory.snapshot.profiles, first.profiles, 'what did not change is shared')
  t.equal(memory.snapshot.forMachines.groups, memory.snapshot.groups, 'and so is what machines see, without a tombstone')
  t.end()
})

t.test('machines see tombstones until they expire or the object is back', t => {
  const memory = new StoreMemory()
  memory.put(group('a'))
  memory.put(group('b'))
  memory.put({ kind: 'profile', name: 'p', value: makeProfile({ id: 'p' }) })
  memory.put({ kind: 'cloud', name: 'c', value: { kind: 'cloud', name: 'c', content: Buffer.from('x') } })
  memory.delete('group', 'a', group('a'))
  memory.delete('group', 'b', group('b'))
  memory.delete('profile', 'p', { kind: 'profile', name: 'p', value: makeProfile({ id: 'p' }) })
  memory.delete('cloud', 'c', { kind: 'cloud', name: 'c', value: { kind: 'cloud', name: 'c', content: Buffer.from('x') } })
  const held = memory.snapshot
  t.equal(held.groups.size + held.profiles.size + held.configs.cloud.size, 0)
  t.same([...held.forMachines.groups.values()].map(g => [g.id, g.tombstone]), [['a', true], ['b', true]])
  t.ok(held.forMachines.profiles.has('p') && held.forMachines.configs.cloud.has('c'))
  memory.put(group('a'))
  memory.expire('group', 'b')
  memory.expire('profile', 'p')
  memory.expire('cloud', 'c')
  t.same([...memory.snapshot.forMachines.groups.values()].map(g => [g.id, g.tombstone]), [['a', undefined]])
  t.equal(memory.snapshot.forMachines, memory.snapshot.forMachines)
  t.equal(memory.snapshot.forMachines.profiles.size, 0)
  t.equal(held.forMachines.groups.size, 2)
  t.end()
})
