// What groups say of machines, kept as they change: as all of them read anew would say it, by reading those that changed.
import t from 'tap'
import type { Group } from '../../src/matchbox/group.js'
import { groupLoaders, reservedFor } from '../../src/matchbox/group-machines.js'
import { GroupMachines } from '../../src/matchbox/group-machines-index.js'
import type { Mac } from '../../src/net/mac.js'
import { makeGroup } from '../helpers/memory-store.js'

const isFileName = (name: string): boolean => !name.startsWith('/')
const card = (n: number): Mac => `52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}` as Mac
const group = (id: string, n: number, loader?: string): Group =>
  makeGroup({ id, selector: { mac: card(n) }, ...loader !== undefined && { metadata: { boot_file: loader } } })

t.test('a group comes, names another machine, another loader, and goes', async t => {
  const groups = new Map<string, Group>()
  const kept = new GroupMachines(() => groups, isFileName)
  const put = (one: Group): void => {
    groups.set(one.id, one)
    kept.changed([{ kind: 'group', name: one.id, what: 'put' }])
  }
  const agrees = (what: string): void => {
    const known = new Set([...groups.values()].flatMap(reservedFor))
    t.same([0, 1, 2, 3].map(n => kept.has(card(n))), [0, 1, 2, 3].map(n => known.has(card(n))), what)
    const whole = groupLoaders([...groups].sort(([a], [b]) => a < b ? -1 : 1).map(([, one]) => one), isFileName)
    t.same(kept.loaders, whole, what)
    t.same([0, 1, 2, 3].map(n => kept.hasLoader(card(n))), [0, 1, 2, 3].map(n => whole.loaders.some(({ mac }) => mac === card(n))), what)
  }
  agrees('none')
  put(group('b', 1, 'x.efi'))
  put(group('a', 1))
  agrees('two of one machine')
  put(group('a', 2, 'y.efi'))
  agrees('another machine')
  put(group('b', 1, '/no'))
  agrees('a loader that cannot be')
  put(group('b', 3))
  agrees('no loader any more')
  groups.delete('a')
  kept.changed([{ kind: 'group', name: 'a', what: 'deleted' }])
  agrees('one gone')
})

t.test('a written group has itself read, among ten or ten thousand', async t => {
  const readOf = (size: number): number => {
    const groups = new Map(Array.from({ length: size }, (_, n) => [`g${n}`, group(`g${n}`, n)]))
    const kept = new GroupMachines(() => groups, isFileName)
    t.ok(kept.has(card(3)))
    const before = { read: kept.read, loaders: kept.loaders }
    groups.set('g3', group('g3', 3))
    kept.changed([{ kind: 'group', name: 'g3', what: 'put' }, { kind: 'profile', name: 'p', what: 'put' }])
    t.ok(kept.has(card(3)))
    t.equal(kept.loaders, before.loaders, 'and what no group said of loaders is the same still')
    return kept.read - before.read
  }
  t.equal(readOf(10), 1)
  t.equal(readOf(10_000), 1)
})
